"""The rows of one directory: gathered into row groups, cut into files of the size wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.parquet_writer import MAX_GROUP_ROWS

from target_parquet.lane import wait_for_one

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from target_parquet.encoders import Encoders
    from target_parquet.lane import Lane
    from target_parquet.writer_pool import WriterPool

# Less is not worth a row group of its own, though an encoder is free for it.
_LEAST_GROUP_BYTES = 4 << 20


class PartWriter:
    """Writes rows of one schema to one directory, into several files at once where that saves time.

    Args:
        schema: of the rows.
        open_lane: makes a further lane.
        encoders: of all writers; each can write a file of this one at once with the others.
        pool: keeps all writers together within their limits.
    """

    def __init__(
        self, schema: pa.Schema, open_lane: Callable[[], Lane], encoders: Encoders, pool: WriterPool
    ) -> None:
        self._schema = schema
        self._open_lane = open_lane
        self._encoders = encoders
        self._pool = pool
        self._lanes: list[Lane] = []
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self.pending_bytes = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Take rows; they are written when a row group is full, or when all writers hold too much.

        An encoder that has nothing else to do need not wait for that long.
        """
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self.pending_bytes += batch.nbytes
        self._pool.grown(self, batch.nbytes)
        if self._pending_rows >= MAX_GROUP_ROWS or self._keeps_an_encoder_waiting():
            self.flush()

    def flush(self) -> None:
        """Let all rows taken so far be written, as few row groups as file sizes allow.

        Raises:
            StoreError: rows handed over before could not be written.
        """
        self._hand_over(self._take())

    def finish(self) -> None:
        """Write all rows taken so far and close the files they are in.

        Raises:
            StoreError: rows could not be written.
        """
        rows = self._take()
        # The files that are open anyway share what is left, or all encoders but one would look on.
        shares = max(1, min(len(self._lanes), rows.nbytes // _LEAST_GROUP_BYTES))
        share = max(1, -(-rows.num_rows // shares))
        for begin in range(0, rows.num_rows, share):
            self._hand_over(rows.slice(begin, share))
        for lane in self._lanes:
            lane.close_file()

    def _keeps_an_encoder_waiting(self) -> bool:
        return (
            self.pending_bytes >= _LEAST_GROUP_BYTES
            and self._pool.is_half_full_of(self.pending_bytes)
            and self._encoders.idle
        )

    def _take(self) -> pa.Table:
        import pyarrow as pa

        rows = pa.Table.from_batches(self._pending, self._schema)
        self._pool.emptied(self, self.pending_bytes)
        self._pending, self._pending_rows, self.pending_bytes = [], 0, 0
        return rows

    def _hand_over(self, rows: pa.Table) -> None:
        while rows.num_rows:
            rows = self._free_lane().write(rows)

    def _free_lane(self) -> Lane:
        """A lane whose last rows are written; if there is none, a further one or the next to finish."""
        for lane in self._lanes:
            if not lane.busy:
                return lane
        if len(self._lanes) < self._encoders.count:
            lane = self._open_lane()
            if self._lanes:
                lane.resemble(self._lanes[0])
            self._lanes.append(lane)
            return lane
        return wait_for_one(self._lanes)
