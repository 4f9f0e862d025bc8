"""How a run is going, in lines every few seconds, where there is no terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dativo.observe.events import RunEvent, Ticked
from dativo.observe.lag import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.observe.console import Console
    from dativo.observe.counters import Counters, StreamCount
    from dativo.observe.tally import Tally

PLAIN_SECONDS = 5.0
MEGABYTE = 1_000_000


class PlainProgress:
    """Tells of every stream that has moved since it told of it last."""

    def __init__(self, job: str, tally: Tally, console: Console) -> None:
        self._job = job
        self._tally = tally
        self._console = console
        self._drawn = 0.0
        self._told: dict[str, int] = {}

    def take(self, event: RunEvent) -> None:
        if isinstance(event, Ticked) and event.at - self._drawn >= PLAIN_SECONDS:
            self._drawn = event.at
            self._tell_changes(event.at)

    def close(self) -> None:
        pass

    def _tell_changes(self, now: float) -> None:
        changed = {
            name: count
            for name, count in self._tally.counters.streams.items()
            if self._told.get(name) != count.records
        }
        self._told |= {name: count.records for name, count in changed.items()}
        for name, count in changed.items():
            left = eta(self._tally, name, count)
            more = f", about {duration(left)} left" if left is not None else ""
            self._console.say(f"{self._job}: {name}: {describe(count)}{more}")
        if not changed:
            self._console.say(f"{self._job}: running for {now:.0f} s")


class Progress:
    """Draws the counters of a run.

    Args:
        job: name that plain lines begin with.
        counters: filled in by the run.
        console: where to draw.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        job: str,
        counters: Counters,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._counters = counters
        self._console = console
        self._clock = clock
        self._began = self._drawn = clock()
        self._told: dict[str, int] = {}

    def tick(self) -> None:
        """Draws anew if it is time to."""
        now = self._clock()
        if self._console.is_terminal:
            self._console.status(self._status(now))
        elif now - self._drawn >= PLAIN_SECONDS:
            self._drawn = now
            self._tell_changes(now)

    def finish(self) -> None:
        """Takes the status line away."""
        if self._console.is_terminal:
            self._console.status("")

    def _status(self, now: float) -> str:
        parts = [f"{now - self._began:.0f} s"]
        moving = sorted(self._counters.streams.items(), key=lambda item: item[1].latest, reverse=True)
        parts += [f"{name} {describe(count)}" for name, count in moving]
        return " | ".join(parts)

    def _tell_changes(self, now: float) -> None:
        changed = {
            name: count
            for name, count in self._counters.streams.items()
            if self._told.get(name) != count.records
        }
        self._told |= {name: count.records for name, count in changed.items()}
        for name, count in changed.items():
            self._console.say(f"{self._job}: {name}: {describe(count)}")
        if not changed:
            self._console.say(f"{self._job}: running for {now - self._began:.0f} s")


def describe(count: StreamCount) -> str:
    """`120,000 records, 21.3 MB, 95,000 records/s`, as far as it is known."""
    parts = [f"{count.records:,} records"]
    if count.size:
        parts.append(megabytes(count.size))
    if count.rate is not None:
        parts.append(f"{count.rate:,.0f} records/s")
    return ", ".join(parts)


def eta(tally: Tally, stream: str, count: StreamCount) -> float | None:
    """Seconds that a stream will still take at its rate, if about how many rows it has is known."""
    rows = tally.rows.get(stream)
    if rows is None or not count.rate or count.took:
        return None
    return max(rows - count.records, 0) / count.rate


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"
