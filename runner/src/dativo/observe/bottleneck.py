"""Which side of a run is the slower one: told by how full the pipes between them are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo.observe.events import Fill

FULL = 0.75
EMPTY = 0.05


@dataclass(slots=True)
class PipeShares:
    """How often a pipe was full (its reader is the slower side) and empty (its writer is)."""

    writer: str
    reader: str
    samples: int = 0
    full: int = 0
    empty: int = 0

    @property
    def full_share(self) -> float:
        return self.full / self.samples if self.samples else 0.0

    @property
    def empty_share(self) -> float:
        return self.empty / self.samples if self.samples else 0.0


class Bottleneck:
    """Votes of every sample; of several pipes, the last full one or else the first empty one decides."""

    def __init__(self) -> None:
        self.pipes: dict[tuple[str, str], PipeShares] = {}
        self._votes: Counter[str] = Counter()
        self._samples = 0

    def add(self, fills: Sequence[Fill]) -> None:
        for fill in fills:
            pipe = self.pipes.setdefault((fill.writer, fill.reader), PipeShares(fill.writer, fill.reader))
            pipe.samples += 1
            pipe.full += fill.share >= FULL
            pipe.empty += fill.share <= EMPTY
        if fills:
            self._samples += 1
            if slower := slower_side(fills):
                self._votes[slower] += 1

    @property
    def slower(self) -> tuple[str, float] | None:
        """The side that was most often the slower one, and in which share of the time."""
        if not self._votes:
            return None
        [(name, votes)] = self._votes.most_common(1)
        return name, votes / self._samples

    def __str__(self) -> str:
        """`target-parquet was the slower side 81 % of the time`, empty if nothing was measured."""
        found = self.slower
        return f"{found[0]} was the slower side {found[1] * 100:.0f} % of the time" if found else ""


def slower_side(fills: Sequence[Fill]) -> str | None:
    """Whom the others wait for at this moment, None if nobody has to wait."""
    for fill in reversed(fills):
        if fill.share >= FULL:
            return fill.reader
    for fill in fills:
        if fill.share <= EMPTY:
            return fill.writer
    return None
