"""Hands what happens in a run to everything that watches it; no watcher can bring the run down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from dativo.errors import Interrupted
from dativo.observe.events import (
    Attempted,
    Counted,
    Discovered,
    Ended,
    Exited,
    Fill,
    Logged,
    PipesSampled,
    Started,
    StateStored,
    Ticked,
    UsageSampled,
)
from dativo.observe.log_lines import LogLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dativo.observe.events import RunEvent, Side, Sink, Verdict
    from dativo.observe.log_lines import Metric


class Filled(Protocol):
    """How full a pipe is, in the words of who holds it."""

    @property
    def writer(self) -> str: ...

    @property
    def reader(self) -> str: ...

    @property
    def share(self) -> float: ...


class Observer:
    """What a run tells, one method for each kind of event; it adds the time.

    Args:
        sinks: who is told, in order.
        warn: is told once when a sink fails; that sink is not called again.
        clock: seconds, for tests.
        wall: seconds since the epoch, for tests.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        warn: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._sinks = list(sinks)
        self._warn = warn
        self._clock = clock
        self._zero = clock()
        self.began = wall()
        self._over = False

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._zero

    def add(self, sink: Sink, earlier: Sequence[RunEvent] = ()) -> None:
        """Lets one more watch, from now on; `earlier` is told to it first."""
        self._sinks.append(sink)
        for event in earlier:
            self._tell(sink, event)

    def started(
        self,
        run: str,
        job: str,
        tenant: str | None,
        sides: Sequence[Side],
        *,
        secrets: Sequence[str] = (),
        enforcement: Mapping[str, str] | None = None,
    ) -> None:
        self.take(Started(self.began, run, job, tenant, tuple(sides), tuple(secrets), enforcement))

    def discovered(
        self, schemas: Mapping[str, Mapping[str, object]], rows: Mapping[str, int] | None = None
    ) -> None:
        self.take(Discovered(self.now, schemas, rows or {}))

    def attempted(
        self, number: int, began: float, verdict: Verdict, reason: str | None, *, states: int
    ) -> None:
        self.take(Attempted(self.now, number, began, verdict, reason, states))

    def counted(self, side: str, metric: Metric) -> None:
        self.take(Counted(self.now, side, metric))

    def piped(self, fills: Iterable[Filled]) -> None:
        each = tuple(Fill(fill.writer, fill.reader, fill.share) for fill in fills)
        self.take(PipesSampled(self.now, each))

    def used(self, side: str, *, memory: int, cpu: float, sent: int = 0) -> None:
        self.take(UsageSampled(self.now, side, memory, cpu, sent))

    def stored(self, text: str, seq: int | None = None) -> None:
        self.take(StateStored(self.now, text, seq))

    def logged(self, side: str | None, line: LogLine) -> None:
        self.take(Logged(self.now, side, line))

    def said(self, message: str, level: str = "INFO") -> None:
        """The runner itself has something to say for the log."""
        self.logged(None, LogLine(level, message))

    def ticked(self) -> None:
        self.take(Ticked(self.now))

    def exited(self, side: str, returncode: int) -> None:
        self.take(Exited(self.now, side, returncode))

    def ended(
        self,
        verdict: Verdict,
        reason: str | None,
        exit_code: int,
        *,
        retryable: bool = False,
        state: str | None = None,
        limit: str | None = None,
    ) -> None:
        """Says how the run ended, closes every sink; a second call says nothing."""
        if self._over:
            return
        self._over = True
        self.take(Ended(self.now, verdict, reason, exit_code, retryable, state, limit))
        for sink in list(self._sinks):
            self._guard(sink, sink.close)

    def take(self, event: RunEvent) -> None:
        for sink in list(self._sinks):
            self._tell(sink, event)

    def _tell(self, sink: Sink, event: RunEvent) -> None:
        self._guard(sink, lambda: sink.take(event))

    def _guard(self, sink: Sink, call: Callable[[], None]) -> None:
        try:
            call()
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a watcher runs into, the load goes on)
            if sink in self._sinks:
                self._sinks.remove(sink)
            self._warn(f"{type(sink).__name__} has stopped watching: {type(error).__name__}: {error}")
