"""`dativo run`: one job from its file to its result."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import Interrupted, RunFailed
from dativo.jobs.project import find_project
from dativo.observe.connector_log import ConnectorLog
from dativo.observe.counters import Counters
from dativo.observe.progress import Progress
from dativo.observe.report import Result, reason_of_failure
from dativo.run.pipeline import run_pipeline
from dativo.run.recover import is_object, starting_state
from dativo.run.session import Session, open_session, redactor_of
from dativo.state.owner import new_run
from dativo.state.places import job_store
from dativo.state.run_state import held_state
from dativo.state.store import StateKey

if TYPE_CHECKING:
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console
    from dativo.observe.log_lines import Metric
    from dativo.run.process import Command
    from dativo.state.run_state import RunState
    from dativo.state.store import StateStore

SHOWN_GARBAGE = 200
"""Characters shown of a line on the target's stdout that is no STATE."""


def run_job(ready: ReadyJob, console: Console, *, grace_seconds: float) -> Result:
    """Runs a job once, from the state its destination holds or has stored, storing every state on the way.

    Raises:
        RunFailed: a side failed; what was durable before stays, and so does the last state.
        Interrupted: a signal stopped it, and both sides have ended.
        StateError: the state cannot be used or stored.
        ConnectorError: a connector does not start or does not discover.
        ProblemsError: `select` leaves nothing to load.
    """
    store, key = _store(ready, console)
    with held_state(store, key, new_run()) as held, open_session(ready) as session:
        run = _Run(ready, console, held)
        state = starting_state(session, held, run.connector_log, console)
        tap = _tap_command(session, state, run.connector_log, console)
        return run.to_the_end(tap, session.command(ready.target), grace_seconds)


def _store(ready: ReadyJob, console: Console) -> tuple[StateStore, StateKey]:
    job, key = ready.job, StateKey(ready.job.tenant, ready.job.name)
    project = find_project(ready.directory, os.environ)

    def say(line: str) -> None:
        console.say(f"{job.full_name}: {line}")

    return job_store(key, job.state, ready.directory, project, say=say), key


def _tap_command(session: Session, state: str | None, log: ConnectorLog, console: Console) -> Command:
    """The call of the tap: with the state to start from, and with a catalog if the job selects."""
    source = session.ready.job.source
    arguments: list[str | Path] = []
    state_file = session.workspace.write_text("state.json", state) if state is not None else None
    if source.select or source.metadata:
        catalog, warnings = session.selected_catalog(log, state_file)
        for warning in warnings:
            console.say(f"{session.ready.job.full_name}: WARNING: {warning}")
        arguments += ["--catalog", session.workspace.write_json("catalog.json", catalog)]
    if state_file is not None:
        arguments += ["--state", state_file]
    return session.command(session.ready.tap, *arguments)


class _Run:
    """Watches one pipeline: logs to the console, metrics to the counters, states to the store."""

    def __init__(self, ready: ReadyJob, console: Console, state: RunState) -> None:
        self._job = ready.job.full_name
        self._tap_name = ready.tap.name
        self._console = console
        self._state = state
        self._redact = redactor_of(ready)
        self._counters = Counters()
        self._state_given = False
        self.connector_log = ConnectorLog(console, self._redact, self._count)

    def to_the_end(self, tap: Command, target: Command, grace_seconds: float) -> Result:
        self._began = time.monotonic()
        self._progress = Progress(self._job, self._counters, self._console)
        try:
            outcome = run_pipeline(tap, target, self, grace_seconds=grace_seconds)
        finally:
            self._progress.finish()
        if outcome.signum is not None:
            raise Interrupted(outcome.signum, self._job)
        words = {name: self.connector_log.last_words(name) for name in (tap.name, target.name)}
        if reason := reason_of_failure(outcome, words):
            raise RunFailed(f"{self._job} failed: {reason}")
        state = _near(self._state.place) if self._state_given else None
        return Result(self._counters, time.monotonic() - self._began, state)

    def log(self, connector: str, line: bytes) -> None:
        self.connector_log.take(connector, line)

    def state(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if not is_object(text):
            shown = self._redact(text)[:SHOWN_GARBAGE]
            self._console.say(
                f"{self._job}: WARNING: on stdout the target wrote a line that is no STATE: {shown}"
            )
            return
        self._state.write(text)
        self._state_given = True

    def tick(self) -> None:
        self._state.tick()
        self._progress.tick()

    def _count(self, connector: str, metric: Metric) -> None:
        now = time.monotonic() - self._began
        self._counters.add(metric, now, from_tap=connector == self._tap_name)


def _near(place: str) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(Path(place).relative_to(here)) if Path(place).is_relative_to(here) else place
