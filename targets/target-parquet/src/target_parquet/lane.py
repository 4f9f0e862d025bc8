"""One open file of a directory, and the row group that is being encoded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.parquet_writer import MAX_GROUP_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    import pyarrow as pa
    from dativo_protocol.page_encoding import PageEncoding

    from target_parquet.encoders import Encoders
    from target_parquet.parquet import ParquetPart
    from target_parquet.writer_pool import WriterPool

# A file this near to its size is closed: what is left of it would make a row group of hardly any rows.
_FULL = 0.9


class Lane:
    """Writes row groups into one file after the other; the next can be given when the last is encoded.

    Attributes:
        job: the row group handed over last, until it is settled; None if there is none.
        ratio: of the size on disk to the size in memory, of the last row group.
        pages: encoding that the next file takes over from another one; None for one of its own.

    Args:
        file_bytes: size on disk at which a file is closed.
        open_part: makes the next file, for rows like those it is given, with these pages or its own choice.
        finish_part: takes a file whose rows are complete, and closes it.
        pool: bounds the files that are open.
        encoders: do the work.
    """

    def __init__(
        self,
        file_bytes: int,
        open_part: Callable[[pa.Table, PageEncoding | None], ParquetPart],
        finish_part: Callable[[ParquetPart], None],
        pool: WriterPool,
        encoders: Encoders,
    ) -> None:
        self._file_bytes = file_bytes
        self._open_part = open_part
        self._finish_part = finish_part
        self._pool = pool
        self._encoders = encoders
        self._part: ParquetPart | None = None
        self.job: Future[None] | None = None
        self._size_before = 0
        self._rows_bytes = 0
        self.ratio = 1.0
        self.pages: PageEncoding | None = None

    @property
    def busy(self) -> bool:
        """Whether a row group is being encoded."""
        return self.job is not None and not self.job.done()

    def resemble(self, other: Lane) -> None:
        """Begin with what the other, of the same directory, knows of its rows."""
        self.ratio = other.ratio
        if other._part is not None:
            self.pages = other._part.pages

    def write(self, rows: pa.Table) -> pa.Table:
        """Begin to write the rows that the file has room for; returns the others.

        Raises:
            StoreError: the row group before could not be written.
        """
        self._settle()
        if self._part is not None and self._part.bytes >= _FULL * self._file_bytes:
            self.close_file()
        if self._part is None:
            self._pool.opening(self)
            self._part, self.pages = self._open_part(rows, self.pages), None
        self._pool.written(self)
        part, group = self._part, rows.slice(0, self._rows_with_room(rows, self._part))
        self._size_before, self._rows_bytes = part.bytes, group.nbytes
        self.job = self._encoders.submit(lambda: part.write(group))
        return rows.slice(group.num_rows)

    def close_file(self) -> None:
        """Close the open file, if any, once its rows are written.

        Raises:
            StoreError: they could not be written.
        """
        self._settle()
        if self._part is not None:
            part, self._part = self._part, None
            self._pool.closed(self)
            self._finish_part(part)

    def abandon(self) -> None:
        """Leave the open file, if any, as it is; no row group is being encoded any more."""
        if self._part is not None:
            self._part.abandon()

    def _settle(self) -> None:
        """Wait for the row group that is being encoded, and learn from its size."""
        if self.job is None or self._part is None:
            return
        job, self.job = self.job, None
        job.result()
        if self._rows_bytes:
            self.ratio = (self._part.bytes - self._size_before) / self._rows_bytes

    def _rows_with_room(self, rows: pa.Table, part: ParquetPart) -> int:
        """Estimate how many rows fill the file, from how well the last row group was compressed."""
        expected = max(1.0, rows.nbytes * self.ratio)
        fitting = int(rows.num_rows * (self._file_bytes - part.bytes) / expected)
        return max(1, min(fitting, rows.num_rows, MAX_GROUP_ROWS))


def wait_for_one(lanes: Sequence[Lane]) -> Lane:
    """The first of several busy lanes that has finished."""
    from concurrent.futures import FIRST_COMPLETED, wait

    wait([lane.job for lane in lanes if lane.job is not None], return_when=FIRST_COMPLETED)
    return next(lane for lane in lanes if not lane.busy)
