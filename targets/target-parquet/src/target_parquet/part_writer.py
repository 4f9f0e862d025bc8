"""The rows of one directory: gathered into row groups, cut into files of the size wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.parquet_writer import MAX_GROUP_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from target_parquet.lane import Lane
    from target_parquet.writer_pool import WriterPool


class PartWriter:
    """Writes rows of one schema to one directory, into several files at once where that saves time.

    Args:
        schema: of the rows.
        open_lane: makes a further lane.
        lanes: the most files to write at once.
        pool: keeps all writers together within their limits.
    """

    def __init__(
        self, schema: pa.Schema, open_lane: Callable[[], Lane], lanes: int, pool: WriterPool
    ) -> None:
        self._schema = schema
        self._open_lane = open_lane
        self._most_lanes = lanes
        self._pool = pool
        self._lanes: list[Lane] = []
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self.pending_bytes = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Take rows; they are written when a row group is full, or when all writers hold too much."""
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self.pending_bytes += batch.nbytes
        self._pool.grown(self, batch.nbytes)
        if self._pending_rows >= MAX_GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Let all rows taken so far be written, as few row groups as file sizes allow.

        Raises:
            StoreError: rows handed over before could not be written.
        """
        import pyarrow as pa

        rows = pa.Table.from_batches(self._pending, self._schema)
        self._pool.emptied(self, self.pending_bytes)
        self._pending, self._pending_rows, self.pending_bytes = [], 0, 0
        while rows.num_rows:
            rows = self._free_lane().write(rows)

    def finish(self) -> None:
        """Write all rows taken so far and close the files they are in.

        Raises:
            StoreError: rows could not be written.
        """
        self.flush()
        for lane in self._lanes:
            lane.close_file()

    def _free_lane(self) -> Lane:
        """A lane whose last rows are written; if there is none, a further one or one that has to finish."""
        for lane in self._lanes:
            if not lane.busy:
                return lane
        if len(self._lanes) < self._most_lanes:
            lane = self._open_lane()
            if self._lanes:
                lane.ratio = self._lanes[0].ratio
            self._lanes.append(lane)
            return lane
        return self._lanes[0]
