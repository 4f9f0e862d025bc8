"""Rows of files by position: bits while they are looked for, numbers when they are written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from target_iceberg.upsert.kernels import bits, count_true, in_order, numbers, places

if TYPE_CHECKING:
    import pyarrow as pa

    from target_iceberg.upsert.kernels import Positions
    from target_iceberg.upsert.live_files import LiveFile


Portion: TypeAlias = "tuple[int, pa.BooleanArray]"
"""Bits of some rows of a file, and the position of the first of them."""


def without(hits: pa.BooleanArray, first: int, gone: Positions) -> pa.BooleanArray:
    """Hits in the rows from position `first` on, less those at positions in `gone`."""
    from pyarrow import compute

    return compute.and_not(hits, members(gone, first, len(hits)))


def members(positions: Positions, first: int, count: int) -> pa.BooleanArray:
    """Which of `count` rows from position `first` on are among `positions`."""
    from pyarrow import compute

    start, end = places(positions, first, first + count)
    if start == end:
        return bits(count, value=False)
    return compute.is_in(numbers(first, count), value_set=positions.slice(start, end - start))


def merge(*positions: Positions) -> Positions:
    """All of these positions, each once and in order."""
    import pyarrow as pa

    return in_order(pa.concat_arrays(positions))


def no_positions() -> Positions:
    """No positions."""
    import pyarrow as pa

    return pa.array([], pa.int64())


@dataclass(slots=True)
class FileHits:
    """The rows of one data file that have to go.

    Attributes:
        live: the file.
        gone: positions whose rows were deleted before, in order.
        portions: bits of rows, each with the position of its first row.
        count: of hits.
    """

    live: LiveFile
    gone: Positions
    portions: list[Portion] = field(default_factory=list)
    count: int = 0

    def add(self, first: int, hits: pa.BooleanArray) -> None:
        """Add those hits whose rows have not gone before."""
        if not count_true(hits):
            return
        fresh = without(hits, first, self.gone) if len(self.gone) else hits
        if count_true(fresh):
            self.portions.append((first, fresh))
            self.count += count_true(fresh)

    def with_more(self, other: FileHits) -> FileHits:
        """These and other hits in the file; a row that both have is counted twice, and gone once."""
        return FileHits(self.live, self.gone, self.portions + other.portions, self.count + other.count)

    def positions(self) -> Positions:
        """Where the hits are, in order."""
        import pyarrow as pa
        from pyarrow import compute

        portions = sorted(self.portions, key=itemgetter(0))
        found = [
            compute.add(compute.indices_nonzero(hits).cast(pa.int64()), pa.scalar(first, pa.int64()))
            for first, hits in portions
        ]
        if not found:
            return no_positions()
        ends = pairwise((first, first + len(hits)) for first, hits in portions)
        if all(end <= first for (_, end), (first, _) in ends):
            return pa.concat_arrays(found)
        return merge(*found)
