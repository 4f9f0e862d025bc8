"""What moves in a run, per stream, summed up from the metrics that both sides log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo.observe.log_lines import Metric

SHORTEST_SECONDS = 0.1
"""A rate over less time than this says more about the clock than about the stream."""


@dataclass(slots=True)
class StreamCount:
    """Totals of one stream so far; times are seconds on the run's clock.

    Attributes:
        read: records that the tap says it wrote.
        loaded: records that the target says it took.
        size: bytes of the stream's records in the pipe.
        files: files that the target says it published.
        stored: bytes of these files.
        took: seconds that the tap says the stream took, 0 until it has ended.
    """

    read: int = 0
    loaded: int = 0
    size: int = 0
    files: int = 0
    stored: int = 0
    took: float = 0.0
    began: float = 0.0
    latest: float = 0.0

    @property
    def records(self) -> int:
        return self.read or self.loaded

    @property
    def rate(self) -> float | None:
        """Records per second while the stream was moving, None if that was too short to tell."""
        seconds = self.took or self.latest - self.began
        return self.records / seconds if seconds >= SHORTEST_SECONDS else None


@dataclass(slots=True)
class Counters:
    """Every stream that was heard of, in order of its first metric."""

    streams: dict[str, StreamCount] = field(default_factory=dict)
    latest: float = 0.0

    def add(self, metric: Metric, now: float, *, from_tap: bool) -> None:
        """Takes in one metric at `now` (seconds since the start of the pipe)."""
        if metric.stream is None:
            return
        # Taps go from stream to stream, so a new stream began when the last count of another one came.
        count = self.streams.get(metric.stream) or StreamCount(began=self.latest)
        match metric.kind, metric.name:
            case "counter", "record_count" if from_tap:
                count.read += int(metric.value)
            case "counter", "record_count":
                count.loaded += int(metric.value)
            case "counter", "record_bytes" if from_tap:
                count.size += int(metric.value)
            case "counter", "file_count":
                count.files += int(metric.value)
            case "counter", "file_bytes":
                count.stored += int(metric.value)
            case "timer", "sync_duration" if from_tap:
                count.took += metric.value
            case _:
                return
        self.streams[metric.stream] = count
        if from_tap or not count.read:
            count.latest = self.latest = now

    @property
    def records(self) -> int:
        return sum(count.records for count in self.streams.values())
