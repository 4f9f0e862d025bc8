"""What moves in a run, per stream, summed up from the metrics that both sides log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo.log_lines import Metric


@dataclass(slots=True)
class StreamCount:
    """Totals of one stream so far; times are seconds on the run's clock.

    Attributes:
        read: records that the tap says it wrote.
        loaded: records that the target says it took.
        size: bytes of the stream's messages.
        files: files that the target says it published.
    """

    read: int = 0
    loaded: int = 0
    size: int = 0
    files: int = 0
    began: float = 0.0
    latest: float = 0.0

    @property
    def records(self) -> int:
        return self.read or self.loaded

    @property
    def rate(self) -> float | None:
        """Records per second while the stream was moving, None if that was too short to tell."""
        seconds = self.latest - self.began
        return self.records / seconds if seconds >= 0.001 else None


@dataclass(slots=True)
class Counters:
    """Every stream that was heard of, in order of its first metric."""

    streams: dict[str, StreamCount] = field(default_factory=dict)
    latest: float = 0.0

    def add(self, metric: Metric, now: float, *, from_tap: bool) -> None:
        """Takes in one metric at `now` (seconds since the start of the pipe)."""
        if metric.kind != "counter" or metric.stream is None:
            return
        # Taps go from stream to stream, so a new stream began when the last count of another one came.
        count = self.streams.setdefault(metric.stream, StreamCount(began=self.latest))
        value = int(metric.value)
        if metric.name == "record_count" and from_tap:
            count.read += value
        elif metric.name == "record_count":
            count.loaded += value
        elif metric.name == "record_bytes" and from_tap:
            count.size += value
        elif metric.name == "file_count":
            count.files += value
        else:
            return
        if from_tap or not count.read:
            count.latest = self.latest = now

    @property
    def records(self) -> int:
        return sum(count.records for count in self.streams.values())

    @property
    def size(self) -> int:
        return sum(count.size for count in self.streams.values())
