"""Singer metrics: counters, timers and gauges as log lines (L4).

Names and tags are those of the SDK, so that whatever reads its metrics reads ours.
"""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

INTERVAL_VARIABLE = "DATIVO_METRICS_SECONDS"
"""Environment variable with the seconds between two lines of a counter, 60 by default."""

log = logging.getLogger("singer_sdk.metrics")


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement."""

    type: Literal["counter", "timer", "gauge"]
    metric: str
    value: float
    tags: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Keys as the Singer best practices name them."""
        return {"type": self.type, "metric": self.metric, "value": self.value, "tags": self.tags}

    def __str__(self) -> str:
        return json.dumps(self.to_dict(), default=str, separators=(",", ":"))

    def log(self) -> None:
        """Write the line."""
        log.info("METRIC: %s", self)


@dataclass(slots=True)
class Counter:
    """Counts, and logs what was added since its last line every 60 seconds and at the end.

    Attributes:
        metric: "record_count", "batch_count" or another name of L4.
        tags: "stream" and others; "pid" is added.
        total: of all lines.
    """

    metric: str
    tags: dict[str, Any] = field(default_factory=dict)
    total: int = 0
    _logged: int = 0
    _logged_at: float = field(default_factory=time.monotonic)

    def add(self, count: int) -> None:
        """Count on; logs when the interval has passed."""
        self.total += count
        if time.monotonic() - self._logged_at >= _interval():
            self.log()

    def log(self) -> None:
        """Write what was added since the last line, 0 too."""
        tags = self.tags | {"pid": os.getpid()}
        Point("counter", self.metric, self.total - self._logged, tags).log()
        self._logged = self.total
        self._logged_at = time.monotonic()


@dataclass(slots=True)
class Timer:
    """Logs how long its block took and whether it succeeded."""

    metric: str
    tags: dict[str, Any] = field(default_factory=dict)
    started: float = 0.0

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = "succeeded" if kind is None else "failed"
        tags = self.tags | {"status": status, "pid": os.getpid()}
        Point("timer", self.metric, time.monotonic() - self.started, tags).log()


def gauge(metric: str, value: float, tags: dict[str, Any] | None = None) -> None:
    """Log a measurement of something that goes up and down."""
    Point("gauge", metric, value, (tags or {}) | {"pid": os.getpid()}).log()


class StreamCounters:
    """`record_count`, `batch_count` and, where it is known, `record_bytes` of every stream of a run."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str], Counter] = {}
        self._finished: set[str] = set()

    def add(self, stream: str, records: int, size: int = 0) -> None:
        """Count one batch of `records`, whose lines have `size` bytes."""
        self._finished.discard(stream)
        self._counter("record_count", stream).add(records)
        self._counter("batch_count", stream).add(1)
        if size:
            self._counter("record_bytes", stream).add(size)

    def finish(self, stream: str) -> None:
        """Write the last line of each counter of a stream now, so that a reader of the log sees it end."""
        self._finished.add(stream)
        for (_, name), counter in self._counters.items():
            if name == stream:
                counter.log()

    def open(self, stream: str) -> None:
        """Make sure that a stream without records is reported too."""
        self._counter("record_count", stream)

    def records(self) -> dict[str, int]:
        """Records of each stream so far."""
        return {
            stream: counter.total
            for (metric, stream), counter in self._counters.items()
            if metric == "record_count"
        }

    def summary(self) -> str:
        """All of it in a few words: `1,003 records of 2 streams (users 1,000, orders 3)`."""
        records = self.records()
        streams = ", ".join(f"{stream} {count:,}" for stream, count in records.items())
        total, many = sum(records.values()), "" if len(records) == 1 else "s"
        return f"{total:,} records of {len(records)} stream{many} ({streams})"

    def log(self) -> None:
        """Write the last line of each counter whose stream is not finished."""
        for (_, stream), counter in self._counters.items():
            if stream not in self._finished:
                counter.log()

    def _counter(self, metric: str, stream: str) -> Counter:
        key = (metric, stream)
        if key not in self._counters:
            self._counters[key] = Counter(metric, {"stream": stream})
        return self._counters[key]


def _interval() -> float:
    try:
        return float(os.environ.get(INTERVAL_VARIABLE, ""))
    except ValueError:
        return 60.0
