"""How a run is going, in lines every few seconds, where there is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.observe.events import RunEvent, Ticked
from dativo.observe.lag import duration

if TYPE_CHECKING:
    from dativo.observe.console import Console
    from dativo.observe.counters import StreamCount
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
            parts = [f"running for {now:.0f} s", *moved(self._tally)]
            self._console.say(f"{self._job}: {', '.join(parts)}")


def describe(count: StreamCount) -> str:
    """`120,000 records, 21.3 MB, 95,000 records/s`, as far as it is known."""
    parts = [f"{count.records:,} records"]
    if count.size:
        parts.append(megabytes(count.size))
    if count.rate is not None:
        parts.append(f"{count.rate:,.0f} records/s")
    return ", ".join(parts)


def moved(tally: Tally) -> list[str]:
    """`21.3 MB out of tap-x`, once that is something: known of every tap, whatever it logs."""
    facts = tally.sides.get(tally.tap.name) if tally.started else None
    if facts is None or facts.sent < MEGABYTE // 20:
        return []
    return [f"{megabytes(facts.sent)} out of {tally.tap.name}"]


def eta(tally: Tally, stream: str, count: StreamCount) -> float | None:
    """Seconds that a stream will still take at its rate, if about how many rows it has is known."""
    rows = tally.rows.get(stream)
    if rows is None or not count.rate or count.took:
        return None
    return max(rows - count.records, 0) / count.rate


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"
