"""Ranges of pages: what a table is divided into, and what of it is done. Nothing here asks a server."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORTH_A_READER = 1024
"""Pages (8 MiB): fewer are not divided between readers."""


@dataclass(frozen=True, slots=True, order=True)
class Pages:
    """Pages of a table.

    Attributes:
        start: the first.
        end: the one after the last.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse what is no range.

        Raises:
            ValueError: the end is before the start.
        """
        if not 0 <= self.start <= self.end:
            raise ValueError(f"no pages: {self.start} to {self.end}")

    @property
    def count(self) -> int:
        """How many."""
        return self.end - self.start


def merged(ranges: Iterable[Pages]) -> tuple[Pages, ...]:
    """Return the same pages in order, in as few ranges as possible."""
    result: list[Pages] = []
    for pages in sorted(ranges):
        if result and pages.start <= result[-1].end:
            result[-1] = Pages(result[-1].start, max(result[-1].end, pages.end))
        elif pages.count:
            result.append(pages)
    return tuple(result)


def remaining(total: int, done: Iterable[Pages]) -> tuple[Pages, ...]:
    """Return the pages of a table of so many that are not done."""
    gaps = []
    start = 0
    for pages in merged(done):
        if start < min(pages.start, total):
            gaps.append(Pages(start, min(pages.start, total)))
        start = max(start, pages.end)
    if start < total:
        gaps.append(Pages(start, total))
    return tuple(gaps)


def divided(ranges: Sequence[Pages], *, most: int, readers: int) -> tuple[Pages, ...]:
    """Divide ranges evenly.

    Args:
        ranges: to divide.
        most: pages of a chunk.
        readers: how many read at a time; each shall have something of a table that is worth it.
    """
    total = sum(pages.count for pages in ranges)
    if total >= readers * _WORTH_A_READER:
        most = min(most, -(-total // readers))
    chunks = []
    for pages in ranges:
        count = -(-pages.count // most)
        bounds = [pages.start + pages.count * number // count for number in range(count + 1)] if count else []
        chunks += [Pages(start, end) for start, end in pairwise(bounds)]
    return tuple(chunks)
