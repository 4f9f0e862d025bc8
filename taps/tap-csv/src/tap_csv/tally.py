"""What was not emitted as it stands in the files, because the settings allow that."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from dativo_protocol.metrics import Counter

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """Counts something of one file.

    Attributes:
        count: how many.
        first: number of the first row concerned, None if there is none.
    """

    count: int = 0
    first: int | None = None

    def add(self, row: int, count: int = 1) -> None:
        """Count `count` cases, the first of them in `row`."""
        self.count += count
        self.first = row if self.first is None else min(self.first, row)

    def __add__(self, other: Tally) -> Tally:
        firsts = [tally.first for tally in (self, other) if tally.first is not None]
        return Tally(self.count + other.count, min(firsts, default=None))


@dataclass(slots=True)
class StreamTallies:
    """Counts of a whole stream, as metrics."""

    stream: str
    _counters: dict[str, Counter] = field(default_factory=dict)

    def add(self, metric: str, count: int) -> None:
        """Count on; a metric that never counted anything is not reported."""
        if metric not in self._counters:
            self._counters[metric] = Counter(metric, {"stream": self.stream})
        self._counters[metric].add(count)

    def log(self) -> None:
        """Write the last line of each metric."""
        for counter in self._counters.values():
            counter.log()
