"""Rows of files by position: bits while they are looked for, numbers when they are written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from target_iceberg.upsert.live_files import LiveFile


def without(hits: pa.BooleanArray, first: int, gone: pa.Array) -> pa.BooleanArray:
    """Hits in the rows from position `first` on, less those at positions in `gone` (int64, in order)."""
    from pyarrow import compute

    return compute.and_not(hits, members(gone, first, len(hits)))


def members(positions: pa.Array, first: int, count: int) -> pa.BooleanArray:
    """Which of `count` rows from position `first` on are among `positions` (int64, in order)."""
    import pyarrow as pa
    from pyarrow import compute

    start, end = compute.search_sorted(positions, pa.array([first, first + count], pa.int64())).to_pylist()
    if start == end:
        return pa.repeat(pa.scalar(value=False), count)
    return compute.is_in(pa.arange(first, first + count), value_set=positions.slice(start, end - start))


def merge(*positions: pa.Array) -> pa.Array:
    """All of these positions, each once and in order."""
    import pyarrow as pa
    from pyarrow import compute

    return compute.unique(pa.concat_arrays(positions)).sort()


def no_positions() -> pa.Array:
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
    gone: pa.Array
    portions: list[tuple[int, pa.BooleanArray]] = field(default_factory=list)
    count: int = 0

    def add(self, first: int, hits: pa.BooleanArray) -> None:
        """Add those hits whose rows have not gone before."""
        if not hits.true_count:
            return
        fresh = without(hits, first, self.gone) if len(self.gone) else hits
        if fresh.true_count:
            self.portions.append((first, fresh))
            self.count += fresh.true_count

    def positions(self) -> pa.Array:
        """Where the hits are, in order."""
        import pyarrow as pa
        from pyarrow import compute

        found = [
            compute.add(compute.indices_nonzero(hits).cast(pa.int64()), pa.scalar(first, pa.int64()))
            for first, hits in self.portions
        ]
        return merge(*found) if found else no_positions()
