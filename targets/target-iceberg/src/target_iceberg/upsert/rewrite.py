"""Writes a data file anew without some of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from target_parquet.errors import store_error

from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.positions import members
from target_iceberg.upsert.table_io import table_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyarrow import parquet
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.data_reader import DataReader
    from target_iceberg.upsert.kernels import Positions

_GROUP_BYTES = 32 << 20
_GROUP_ROWS = 1 << 20


def can_rewrite(table: Table, file: DataFile) -> bool:
    """Whether a file says itself which column is which, so that a copy of it says the same."""
    with open_data_file(table, file) as reader:
        return reader.has_ids


def rewrite_without(table: Table, file: DataFile, gone: Positions) -> DataFile | None:
    """Copy a data file without the rows at these positions; None if no row is left.

    Partition, order of rows, columns and their ids stay as they are.

    Args:
        table: whose it is.
        file: to copy; it says itself which column is which.
        gone: positions (int64, in order).

    Raises:
        StoreError: the file cannot be read, or the destination refuses the copy.
    """
    if len(gone) >= file.record_count:
        return None
    location = f"{file.file_path.rpartition('/')[0]}/{uuid4()}.parquet"
    with open_data_file(table, file) as reader:
        try:
            metadata, size = _copy(table, reader, gone, location)
        except OSError as error:
            raise store_error(f"write {location}", error) from error
        return _entry(table, reader, file, location, size, metadata)


def _copy(
    table: Table, reader: DataReader, gone: Positions, location: str
) -> tuple[parquet.FileMetaData, int]:
    from pyarrow import parquet

    schema = reader.parquet.schema_arrow.remove_metadata()
    codec: Any = table.properties.get("write.parquet.compression-codec", "zstd")
    with table_output(table, location) as sink:
        with parquet.ParquetWriter(
            sink,
            schema,
            compression=codec,
            store_decimal_as_integer=True,
            write_page_index=True,
            store_schema=False,
        ) as writer:
            for rows in _groups(reader, gone):
                writer.write_table(rows, row_group_size=_GROUP_ROWS)
        return writer.writer.metadata, sink.tell()


def _groups(reader: DataReader, gone: Positions) -> Iterator[pa.Table]:
    """The rows that stay, in portions that are worth a row group."""
    import pyarrow as pa
    from pyarrow import compute

    waiting: list[pa.RecordBatch] = []
    size = rows = 0
    for first, batch in reader.batches(None):
        kept = batch.filter(compute.invert(members(gone, first, batch.num_rows)))
        waiting.append(kept)
        size, rows = size + kept.nbytes, rows + kept.num_rows
        if size >= _GROUP_BYTES or rows >= _GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting, size, rows = [], 0, 0
    if rows:
        yield pa.Table.from_batches(waiting)


def _entry(
    table: Table, reader: DataReader, file: DataFile, location: str, size: int, metadata: parquet.FileMetaData
) -> DataFile:
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
        pyarrow_to_schema,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

    # The names that the file has, for columns may have been renamed since it was written.
    schema = pyarrow_to_schema(reader.parquet.schema_arrow)
    statistics = data_file_statistics_from_parquet_metadata(
        metadata, compute_statistics_plan(schema, table.properties), parquet_path_to_id_mapping(schema)
    )
    entry = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        file_size_in_bytes=size,
        sort_order_id=file.sort_order_id,
        **statistics.to_serialized_dict(),
    )
    entry.spec_id = file.spec_id
    return entry
