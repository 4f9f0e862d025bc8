"""A job whose streams are loaded at once: each by connectors of its own, in a process of its own.

One run all the same: it holds the lock, stores every state, and is told of everything that happens.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import TRY_AGAIN, Interrupted, PartsFailed, Problem, ProblemsError
from dativo.isolation.tree import end_all, tree_of
from dativo.jobs.streams import read_by_log, streams_to_load
from dativo.observe.connector_log import ConnectorLog
from dativo.observe.report import Result
from dativo.run.division import Division
from dativo.run.given_secrets import redactor_of
from dativo.run.job_run import near
from dativo.run.part import PartsFile, PartWork
from dativo.run.part_events import PartEvents, Use
from dativo.run.process import Command
from dativo.run.scheduler import Scheduler, Work, worst
from dativo.run.watched import selected_streams
from dativo.secrets.redact import everywhere

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo.observe.console import Console
    from dativo.observe.sinks import Watched
    from dativo.run.options import RunOptions
    from dativo.run.scheduler import Done
    from dativo.run.session import Session
    from dativo.state.run_state import RunState

SHOWN_FAILURES = 5


class Parts:
    """The streams of one run.

    Args:
        session: of the job.
        state: of the whole job, which is held.
        console: for people.
        watched: is told what happens.
        options: what the command line says of this run.
    """

    def __init__(
        self, session: Session, state: RunState, console: Console, watched: Watched, options: RunOptions
    ) -> None:
        self._session = session
        self._job = session.ready.job
        self._state = state
        self._console = console
        self._watched = watched
        self._options = options
        self._began = time.monotonic()
        self._parts: dict[str, PartEvents] = {}

    def result(self) -> Result:
        """Loads all streams; those that fail do not hold up the others.

        Raises:
            PartsFailed: some streams have failed.
            Interrupted: a signal stopped it, and all sides have ended.
            ProblemsError: the streams cannot be loaded at once, or `select` leaves none.
            StateError: a state cannot be used or stored.
            ConnectorError: a connector does not start, or does not answer.
        """
        log = ConnectorLog(
            self._console, redactor_of(self._session.ready, os.environ), None, self._watched.observer.logged
        )
        catalog = self._catalog(log)
        streams = self._streams(catalog)
        division = Division(self._session, self._state, log, self._console)
        division.take_apart(streams)
        works = self._works(streams, catalog, division)
        scheduler = Scheduler(self._job.parallel.streams, {}, self._console, lambda _: None, self._tick)
        try:
            done = scheduler.run(works)
        finally:
            # A process that was killed may have left connectors behind, which are ours now.
            end_all(lambda: tree_of(os.getpid())[1:])
        self._sum_up()
        if scheduler.signum is not None:
            raise Interrupted(scheduler.signum, self._job.full_name)
        self._judge(done)
        moved = any(part.states for part in self._parts.values())
        place = near(self._state.place) if moved else None
        return Result(self._watched.tally.counters, time.monotonic() - self._began, place)

    def _catalog(self, log: ConnectorLog) -> dict[str, Any]:
        catalog, warnings = self._session.selected_catalog(log)
        observer = self._watched.observer
        for warning in warnings:
            self._console.say(f"{self._job.full_name}: WARNING: {warning}")
            observer.said(warning, "WARNING")
        anew = self._options.full_refresh or self._state.read() is None
        observer.discovered(*selected_streams(catalog, anew=anew))
        return catalog

    def _streams(self, catalog: Mapping[str, Any]) -> list[str]:
        streams = streams_to_load(catalog)
        by_log = read_by_log(catalog, streams)
        if len(by_log) > 1:
            self._refuse(
                f"{', '.join(by_log)} are read from the log of their database, which only one connector can "
                "read at a time: load them by a job of their own, or with parallel.streams: 1"
            )
        if not streams:
            self._refuse("no stream is selected in the catalog")
        return streams

    def _refuse(self, why: str) -> None:
        place = self._session.ready.document.place_of(["parallel", "streams"])
        raise ProblemsError([Problem(place, f"parallel.streams: {why}")])

    def _works(self, streams: Sequence[str], catalog: dict[str, Any], division: Division) -> list[Work]:
        session, use = self._session, Use()
        parts = []
        for stream in streams:
            state = self._state.part(stream)
            parts.append(PartWork(stream, state.read(), state.place, division.pipeline(stream)))
            self._parts[stream] = PartEvents(stream, state, self._watched.observer, use)
        shared = PartsFile(
            session.ready,
            everywhere().forms,
            self._options,
            dict(session.told),
            session.workspace.write_json("parts.catalog.json", catalog),
            session.scratch,
            session.lock,
            self._began,
            tuple(parts),
        )
        file = session.workspace.write_bytes("parts", pickle.dumps(shared))
        return [
            Work(None, self._command(stream, file, number), self._parts[stream].heard)
            for number, stream in enumerate(streams)
        ]

    def _command(self, stream: str, file: Path, number: int) -> Command:
        argv = (sys.executable, "-P", "-m", "dativo.run.part", str(file), str(number))
        environ = {**os.environ, **self._session.told}
        inherits = () if self._session.lock is None else (self._session.lock,)
        return Command(stream, argv, Path.cwd(), environ, inherits=inherits)

    def _tick(self) -> None:
        self._state.held.alive()
        for part in self._parts.values():
            part.state.tick()
        self._watched.observer.ticked()

    def _sum_up(self) -> None:
        """Stores what is waiting, and the whole as it is now, for its history and for people."""
        for part in self._parts.values():
            part.state.flush()
        if any(part.states for part in self._parts.values()):
            self._state.sum_up_parts()

    def _judge(self, done: Sequence[Done]) -> None:
        """Raises PartsFailed if a stream has failed."""
        failed = [each for each in done if each.code]
        if not failed:
            return
        code = worst([each.code for each in failed])
        reasons = [self._reason(each) for each in failed]
        more = len(reasons) - SHOWN_FAILURES
        told = "; ".join(reasons[:SHOWN_FAILURES]) + (f"; and {more} more" if more > 0 else "")
        loaded = len(self._parts) - len(failed)
        worst_end = next(self._parts[each.name].ended for each in failed if each.code == code)
        verdict = worst_end.verdict if worst_end else "failed"
        raise PartsFailed(
            f"{self._job.full_name} failed, {loaded} of {len(self._parts)} streams are loaded: {told}",
            verdict=verdict if verdict in ("limited", "timed_out") else "failed",
            retryable=code == TRY_AGAIN,
            limit=worst_end.limit if worst_end else None,
        )

    def _reason(self, done: Done) -> str:
        ended = self._parts[done.name].ended
        if ended is not None and ended.reason:
            return ended.reason
        return f"{done.name} failed: its process ended with code {done.code}"
