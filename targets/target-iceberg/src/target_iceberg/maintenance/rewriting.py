"""Writes the rows of several data files into new ones, a row group at a time.

Each row group is sorted where the table has a sort order; a file that is sorted as a whole says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from dativo_protocol.page_encoding import choose_page_encoding
from dativo_protocol.parquet_writer import MAX_GROUP_ROWS, open_parquet_writer
from target_parquet.errors import store_error

from target_iceberg.columns import columns_of_table, with_field_ids
from target_iceberg.data_file import data_file, describe_data_file
from target_iceberg.maintenance.projection import has_ids, project
from target_iceberg.sorting import Ordering, RowSorter
from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.old_deletes import OldDeletes
from target_iceberg.upsert.positions import members

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyarrow import parquet
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.maintenance.bins import Bin
    from target_iceberg.upsert.live_files import LiveFile

_GROUP_BYTES = 64 << 20
_OVERSIZE = 1.25
"""Times the target size at which a file is closed after all: estimates err, and a tiny rest helps nobody."""


class Rewriter:
    """Writes bins of one version of a table anew.

    Args:
        table: as it was when the bins were chosen.
        target: size of files, in bytes.
    """

    def __init__(self, table: Table, target: int) -> None:
        self._table = table
        self._target = target
        self._schema = with_field_ids(columns_of_table(table.schema(), table.properties), table.schema())
        self._deletes = OldDeletes(table)
        self._ordering = Ordering.of_table(table)

    def can_read(self, live: LiveFile) -> bool:
        """Whether a file says itself which column is which; if not, what it says depends on the table.

        Raises:
            StoreError: it cannot be read.
        """
        with open_data_file(self._table, live.file) as reader:
            return has_ids(reader.parquet.schema_arrow)

    def rewrite(self, chosen: Bin) -> list[DataFile]:
        """Write the rows that are left of a bin; the files are no part of the table yet.

        Raises:
            StoreError: a file cannot be read, or the destination refuses one.
        """
        like = chosen.files[0].file
        written: list[DataFile] = []
        output: _Output | None = None
        for rows in self._groups(chosen):
            if output is not None and output.bytes >= _OVERSIZE * self._target:
                written.append(output.close(self._table, like))
                output = None
            output = output or _Output(self._table, like, rows, self._ordering)
            output.write(rows)
        if output is not None:
            written.append(output.close(self._table, like))
        return written

    def _groups(self, chosen: Bin) -> Iterator[pa.Table]:
        """The rows in portions that are worth a row group."""
        import pyarrow as pa

        waiting: list[pa.RecordBatch] = []
        size = rows = 0
        for batch in self._rows(chosen):
            waiting.append(batch)
            size, rows = size + batch.nbytes, rows + batch.num_rows
            if size >= _GROUP_BYTES or rows >= MAX_GROUP_ROWS:
                yield pa.Table.from_batches(waiting, self._schema)
                waiting, size, rows = [], 0, 0
        if rows:
            yield pa.Table.from_batches(waiting, self._schema)

    def _rows(self, chosen: Bin) -> Iterator[pa.RecordBatch]:
        from pyarrow import compute

        for live in chosen.files:
            gone = self._deletes.positions(live) if live.deletes else None
            with open_data_file(self._table, live.file) as reader:
                for first, batch in reader.batches(None):
                    kept = batch
                    if gone is not None:
                        kept = batch.filter(compute.invert(members(gone, first, batch.num_rows)))
                    if kept.num_rows:
                        yield project(kept, self._schema)


class _Output:
    """A data file that is being written at its final place, where no table names it yet."""

    def __init__(self, table: Table, like: DataFile, first: pa.Table, order: Ordering | None) -> None:
        codec = table.properties.get("write.parquet.compression-codec", "zstd")
        self._path = f"{like.file_path.rpartition('/')[0]}/{uuid4()}.parquet"
        self._rows = 0
        self._sorter = None if order is None else RowSorter(order)
        try:
            self._sink = table.io.new_output(self._path).create()
            self._writer: parquet.ParquetWriter = open_parquet_writer(
                self._sink,  # type: ignore[arg-type]
                first.schema,
                compression=codec,  # type: ignore[arg-type]
                level=None,
                pages=choose_page_encoding(first),
            )
        except OSError as error:
            raise store_error(f"begin {self._path}", error) from error

    @property
    def bytes(self) -> int:
        """Written so far."""
        return self._sink.tell()

    def write(self, rows: pa.Table) -> None:
        ordered = rows if self._sorter is None else self._sorter.sort(rows)
        try:
            self._writer.write_table(ordered, row_group_size=MAX_GROUP_ROWS)
        except OSError as error:
            raise store_error(f"write {self._path}", error) from error
        self._rows += rows.num_rows

    def close(self, table: Table, like: DataFile) -> DataFile:
        try:
            self._writer.close()
            size = self.bytes
            self._sink.close()
        except OSError as error:
            raise store_error(f"finish {self._path}", error) from error
        document = describe_data_file(
            self._writer.writer.metadata,
            table.schema(),
            table.properties,
            partition=[like.partition[at] for at in range(len(like.partition))],
            spec_id=like.spec_id,
            sort_order_id=None if self._sorter is None else self._sorter.order_id,
        )
        return data_file(document, self._path, self._rows, size)
