"""What is known of a run so far; the sinks that tell of it at its end all read it here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dativo.observe.bottleneck import Bottleneck
from dativo.observe.counters import Counters
from dativo.observe.events import (
    Attempted,
    Counted,
    Discovered,
    Ended,
    Exited,
    Logged,
    PipesSampled,
    Started,
    StateStored,
    UsageSampled,
)
from dativo.observe.log_lines import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.observe.events import RunEvent, Side

MOST_WARNINGS = 20


@dataclass(slots=True)
class SideFacts:
    """What one connector has used, and how it ended."""

    peak_memory: int = 0
    cpu_seconds: float = 0.0
    sent: int = 0
    exit: int | None = None


@dataclass(slots=True)
class Tally:
    """Sums up events; the first sink of every run.

    Attributes:
        epochs: when each state was stored, seconds since the run began.
        first_record: when the first record was heard of.
        earlier: seconds that this process had lived when the run began.
    """

    started: Started | None = None
    ended: Ended | None = None
    counters: Counters = field(default_factory=Counters)
    bottleneck: Bottleneck = field(default_factory=Bottleneck)
    sides: dict[str, SideFacts] = field(default_factory=dict)
    attempts: list[Attempted] = field(default_factory=list)
    epochs: list[float] = field(default_factory=list)
    state: StateStored | None = None
    schemas: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    first_record: float | None = None
    earlier: float = 0.0

    def take(self, event: RunEvent) -> None:
        match event:
            case Counted():
                self._count(event)
            case PipesSampled():
                self._note_first(event.at, moved=any(fill.share > 0 for fill in event.fills))
                self.bottleneck.add(event.fills)
            case UsageSampled():
                facts = self.sides.setdefault(event.side, SideFacts())
                facts.peak_memory = max(facts.peak_memory, event.memory)
                facts.cpu_seconds = max(facts.cpu_seconds, event.cpu)
                facts.sent = max(facts.sent, event.sent)
            case StateStored():
                self.state = event
                self.epochs.append(event.at)
            case Logged():
                self._warn(event)
            case _:
                self._take_step(event)

    def _take_step(self, event: RunEvent) -> None:
        """What happens once, or once for each side or attempt."""
        match event:
            case Started():
                self.started = event
                self.sides = {side.name: SideFacts() for side in event.sides}
            case Discovered():
                self.schemas, self.rows = event.schemas, event.rows
            case Attempted():
                self.attempts.append(event)
            case Exited():
                self.sides.setdefault(event.side, SideFacts()).exit = event.returncode
            case Ended():
                self.ended = event

    def close(self) -> None:
        pass

    @property
    def tap(self) -> Side:
        assert self.started is not None
        return self.started.sides[0]

    @property
    def target(self) -> Side:
        assert self.started is not None
        return self.started.sides[-1]

    def wall(self, at: float) -> datetime:
        """The time of day of a moment of the run."""
        assert self.started is not None
        return datetime.fromtimestamp(self.started.began + at, UTC)

    def _count(self, event: Counted) -> None:
        from_tap = bool(self.started) and event.side == self.tap.name
        self.counters.add(event.metric, event.at, from_tap=from_tap)
        self._note_first(event.at, moved=event.metric.name == "record_count" and event.metric.value > 0)

    def _note_first(self, at: float, *, moved: bool) -> None:
        if self.first_record is None and moved:
            self.first_record = at

    def _warn(self, event: Logged) -> None:
        line = event.line
        if event.side is None and line.severity >= LEVELS["WARNING"] and len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(line.message)


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stream_facts(tally: Tally) -> dict[str, dict[str, Any]]:
    """Stream → what was moved of it."""
    return {
        name: {
            "read": count.read,
            "loaded": count.loaded,
            "bytes": count.size,
            "files": count.files,
            "stored": count.stored,
            "seconds": round(count.took or max(count.latest - count.began, 0.0), 3),
        }
        for name, count in tally.counters.streams.items()
    }
