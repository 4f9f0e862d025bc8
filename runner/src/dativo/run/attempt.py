"""One try of a job: its connectors on their pipes, watched from start to end."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from dativo.errors import RunFailed
from dativo.isolation.bounds import Bounds, bounds_of
from dativo.isolation.watch import Household
from dativo.observe.connector_log import ConnectorLog
from dativo.observe.counters import Counters
from dativo.run.pipeline import run_pipeline
from dativo.run.process import Command
from dativo.run.reason import failure_of
from dativo.run.recover import (
    Start,
    asked_target,
    is_object,
    may_start_early,
    name_pipeline,
    pipeline_of,
)
from dativo.run.stages import Patience, Stage
from dativo.run.watched import selected_streams
from dativo.state.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from dativo.isolation.usage import Usage
    from dativo.observe.console import Console
    from dativo.observe.log_lines import Metric
    from dativo.observe.observer import Observer
    from dativo.run.invoke import Answering
    from dativo.run.options import RunOptions
    from dativo.run.pipes import PipeFill
    from dativo.run.session import Session
    from dativo.run.sides import Side
    from dativo.secrets.redact import Redactor
    from dativo.state.run_state import Standing

SAMPLE = "sample"
"""Name of the stage that lets a part of the records pass."""

SHOWN_GARBAGE = 200
"""Characters shown of a line on the target's stdout that is no STATE."""


class Attempt:
    """Runs the connectors of a session once, storing every state that the target hands out.

    Args:
        session: of the job.
        state: where the job stands.
        console: for people.
        redact: what hides secrets.
        observer: is told what happens.
        on_progress: is called when the state has moved.
        options: what the command line says of this run.
    """

    def __init__(
        self,
        session: Session,
        state: Standing,
        console: Console,
        redact: Redactor,
        observer: Observer,
        on_progress: Callable[[], None],
        options: RunOptions,
    ) -> None:
        self.counters = Counters()
        self.states = 0
        self.described: str | None = None
        self._options = options
        self.seconds = 0.0
        self._session = session
        self._job = session.ready.job
        self._state = state
        self._console = console
        self._redact = redact
        self._observer = observer
        self._on_progress = on_progress
        self._log = ConnectorLog(console, redact, self._count, observer.logged)
        self._began = time.monotonic()

    def run(self, patience: Patience, *, anew: bool = False) -> None:
        """Runs to the end.

        Args:
            patience: how long things may take.
            anew: whether the tap is given no state.

        Raises:
            RunFailed: a side failed, a limit was exceeded, or a time was over.
            Interrupted: a signal stopped it, and all sides have ended.
            StateError: the state cannot be used or stored.
            ConnectorError: a connector does not start or does not discover.
            ProblemsError: `select` leaves nothing to load.
        """
        # The target is asked before the household is founded, which takes later children for orphans.
        early = may_start_early(self._session.tap.program)
        with self._start(anew=anew, at_gate=early) as start:
            household = Household(adopts=True)
            first = start.guess if early else start.settled()
            stages = self._stages(first, household)
            self._began = time.monotonic()
            try:
                outcome = run_pipeline(
                    stages, self, household, patience, _HeadStart(start, self._tap) if early else None
                )
            finally:
                self.seconds = time.monotonic() - self._began
        for ending in outcome.endings:
            self._observer.exited(ending.name, ending.returncode)
        if failure := failure_of(outcome, self._log, self._job):
            raise failure

    def log(self, connector: str, line: bytes) -> None:
        self._log.take(connector, line)

    def state(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if self._options.dry_run:
            self.described = text
            return
        if not is_object(text):
            shown = self._redact(text)[:SHOWN_GARBAGE]
            self._say(f"WARNING: on stdout the target wrote a line that is no STATE: {shown}")
            return
        self._state.write(text)
        self.states += 1
        stored = self._state.stored
        self._observer.stored(text, stored.seq if stored else None)
        self._on_progress()

    def usage(self, connector: str, usage: Usage) -> None:
        self._observer.used(connector, memory=usage.memory, cpu=usage.cpu, sent=usage.sent)

    def pipes(self, fills: Sequence[PipeFill]) -> None:
        self._observer.piped(fills)

    def tick(self) -> None:
        self._state.tick()
        self._observer.ticked()

    def _start(self, *, anew: bool, at_gate: bool) -> AbstractContextManager[Start]:
        """The state for the tap. A dry run asks no target: that might complete what another run left."""
        is_apart = self._options.is_sample and bool(parts_of(self._state.read() or "{}"))
        if is_apart and not self._options.dry_run:
            name_pipeline(self._session, pipeline_of(self._session, self._log))
        if is_apart or self._options.dry_run:
            state = None if anew else self._state.read_joined()
            return nullcontext(Start(state))
        return asked_target(self._session, self._state, self._log, self._console, anew=anew, at_gate=at_gate)

    def _stages(self, start: str | None, household: Household) -> list[Stage]:
        tap, *mappers, target = self._session.sides
        stages = [self._stage(tap, self._tap(start), household)]
        stages += [self._stage(side, self._session.command(side), household) for side in mappers]
        if self._options.is_sample:
            stages.append(self._sample(household))
        if not self._options.dry_run:
            stages.append(self._stage(target, self._session.command(target), household))
        return stages

    def _sample(self, household: Household) -> Stage:
        options = self._options
        limit = ("--limit", str(options.limit)) if options.limit is not None else ()
        describe = ("--describe",) if options.dry_run else ()
        argv = (sys.executable, "-I", "-m", "dativo.run.sample", *limit, *describe)
        environ = {"PATH": os.environ.get("PATH", os.defpath)}
        command = Command(SAMPLE, argv, self._session.ready.directory, environ)
        return Stage(command, household.contain(SAMPLE, Bounds()))

    def _stage(self, side: Side, command: Command, household: Household) -> Stage:
        contained = household.contain(
            side.name,
            bounds_of(side.settings.limits),
            scratch=self._session.scratch / side.name,
            counts_writes=side.role != "target",
            leaf=self._session.leaf(side),
        )
        return Stage(command, contained)

    def _tap(self, state: str | None, meanwhile: Callable[[], None] | None = None) -> Command:
        """The call of the tap: with the state to start from, and with a catalog if the job selects.

        Args:
            meanwhile: is called again and again while the tap discovers.
        """
        if state is not None and parts_of(state):
            # Known only now: what was stored here had gone. It is stored again, for the next try.
            what = "the destination holds a state of each stream, which are put together first"
            raise RunFailed(what, retryable=True)
        workspace, source = self._session.workspace, self._job.source
        arguments: list[str | Path] = []
        state_file = workspace.write_text("state.json", state) if state is not None else None
        if source.needs_catalog:
            catalog, warnings = self._session.selected_catalog(self._log, state_file, meanwhile)
            for warning in warnings:
                self._say(f"WARNING: {warning}")
                self._observer.said(warning, "WARNING")
            self._observer.discovered(*selected_streams(catalog, anew=state is None))
            arguments += ["--catalog", workspace.write_json("catalog.json", catalog)]
        if state_file is not None:
            arguments += ["--state", state_file]
        return self._session.command(self._session.tap, *arguments)

    def _count(self, connector: str, metric: Metric) -> None:
        now = time.monotonic() - self._began
        self.counters.add(metric, now, from_tap=connector == self._session.tap.name)
        self._observer.counted(connector, metric)

    def _say(self, what: str) -> None:
        self._console.say(f"{self._job.full_name}: {what}")


class _HeadStart:
    """A tap that was started with the stored state, while the target was being asked."""

    def __init__(self, start: Start, tap: Callable[[str | None, Callable[[], None]], Command]) -> None:
        self.gate_seconds = start.gate_seconds
        self._start = start
        self._tap = tap
        self._state: str | None = None

    def is_right(self, meanwhile: Callable[[], None], gated: Answering | None) -> bool:
        self._state = self._start.settled(meanwhile, gated)
        return self._state == self._start.guess

    def other(self, meanwhile: Callable[[], None]) -> Command:
        return self._tap(self._state, meanwhile)
