"""The rows of one directory: gathered into row groups, cut into files of the size wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_parquet.parquet import MAX_GROUP_ROWS, ParquetPart

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from target_parquet.writer_pool import WriterPool

# A file this near to its size is closed: what is left of it would make a row group of hardly any rows.
_FULL = 0.9


class PartWriter:
    """Writes rows of one schema to one directory.

    Args:
        schema: of the rows.
        file_bytes: size on disk at which a file is closed.
        open_part: makes the next file.
        finish_part: takes a file whose rows are complete, and closes it.
        pool: keeps all writers together within their limits.
    """

    def __init__(
        self,
        schema: pa.Schema,
        file_bytes: int,
        open_part: Callable[[], ParquetPart],
        finish_part: Callable[[ParquetPart], None],
        pool: WriterPool,
    ) -> None:
        self._schema = schema
        self._file_bytes = file_bytes
        self._open_part = open_part
        self._finish_part = finish_part
        self._pool = pool
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self.pending_bytes = 0
        self._part: ParquetPart | None = None
        self._encoded_rows_bytes = 0
        self._encoded_file_bytes = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Take rows; they are written when a row group is full, or when all writers hold too much."""
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self.pending_bytes += batch.nbytes
        self._pool.grown(self, batch.nbytes)
        if self._pending_rows >= MAX_GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write all rows taken so far, as few row groups as file sizes allow."""
        import pyarrow as pa

        rows = pa.Table.from_batches(self._pending, self._schema)
        self._pool.emptied(self, self.pending_bytes)
        self._pending, self._pending_rows, self.pending_bytes = [], 0, 0
        while rows.num_rows:
            rows = self._write_group(rows)

    def finish(self) -> None:
        """Write all rows taken so far and close the file they are in."""
        self.flush()
        self.close_file()

    def close_file(self) -> None:
        """Close the open file, if any; rows that wait go to the next one."""
        if self._part is not None:
            part, self._part = self._part, None
            self._pool.closed(self)
            self._finish_part(part)

    def abandon(self) -> None:
        """Leave the open file, if any, as it is."""
        if self._part is not None:
            self._part.abandon()

    def _write_group(self, rows: pa.Table) -> pa.Table:
        """Write the rows that the open file has room for; returns the others."""
        if self._part is None:
            self._pool.opening(self)
            self._part = self._open_part()
        part = self._part
        count = self._rows_with_room(rows, self._file_bytes - part.bytes)
        group, before = rows.slice(0, count), part.bytes
        part.write(group)
        self._pool.written(self)
        self._encoded_rows_bytes += group.nbytes
        self._encoded_file_bytes += part.bytes - before
        if part.bytes >= _FULL * self._file_bytes:
            self.close_file()
        return rows.slice(count)

    def _rows_with_room(self, rows: pa.Table, room: int) -> int:
        """Estimate how many rows fill `room` bytes, from how well the rows so far were compressed."""
        ratio = 1.0
        if self._encoded_rows_bytes:
            ratio = self._encoded_file_bytes / self._encoded_rows_bytes
        expected = max(1.0, rows.nbytes * ratio)
        return max(1, min(int(rows.num_rows * room / expected), rows.num_rows, MAX_GROUP_ROWS))
