"""Writes a data file anew without some of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from target_parquet.errors import store_error

from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.positions import members
from target_iceberg.upsert.table_io import table_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from pyarrow import parquet
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.data_reader import DataReader
    from target_iceberg.upsert.kernels import Positions

Revision: TypeAlias = "Callable[[DataReader, pa.RecordBatch], pa.RecordBatch]"

_GROUP_BYTES = 32 << 20
_GROUP_ROWS = 1 << 20


def can_rewrite(table: Table, file: DataFile) -> bool:
    """Whether a file says itself which column is which, so that a copy of it says the same."""
    with open_data_file(table, file) as reader:
        return reader.has_ids


def rewrite_without(
    table: Table,
    file: DataFile,
    gone: Positions,
    revise: Revision | None = None,
    *,
    unsorts: bool = False,
) -> DataFile | None:
    """Copy a data file without the rows at these positions; None if no row is left.

    Partition, order of rows, columns and their ids stay as they are.

    Args:
        table: whose it is.
        file: to copy; it says itself which column is which.
        gone: positions (int64, in order).
        revise: makes what the copy has of the rows that stay; may add columns.
        unsorts: whether that takes the rows out of the order that the file is in.

    Raises:
        StoreError: the file cannot be read, or the destination refuses the copy.
    """
    if len(gone) >= file.record_count:
        return None
    location = f"{file.file_path.rpartition('/')[0]}/{uuid4()}.parquet"
    with open_data_file(table, file) as reader:
        try:
            schema, metadata, size = _copy(table, reader, gone, location, revise or _as_they_are)
        except OSError as error:
            raise store_error(f"write {location}", error) from error
        order = None if unsorts else file.sort_order_id
        return _entry(table, schema, file, location, size, metadata, order)


def _as_they_are(_: DataReader, batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


def _copy(
    table: Table, reader: DataReader, gone: Positions, location: str, revise: Revision
) -> tuple[pa.Schema, parquet.FileMetaData, int]:
    from pyarrow import parquet

    schema = revise(reader, _no_rows(reader)).schema.remove_metadata()
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
            for rows in _groups(reader, gone, revise):
                writer.write_table(rows, row_group_size=_GROUP_ROWS)
        return schema, writer.writer.metadata, sink.tell()


def _no_rows(reader: DataReader) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=reader.parquet.schema_arrow)


def _groups(reader: DataReader, gone: Positions, revise: Revision) -> Iterator[pa.Table]:
    """The rows that stay, in portions that are worth a row group."""
    import pyarrow as pa
    from pyarrow import compute

    waiting: list[pa.RecordBatch] = []
    size = rows = 0
    for first, batch in reader.batches(None):
        kept = revise(reader, batch.filter(compute.invert(members(gone, first, batch.num_rows))))
        waiting.append(kept)
        size, rows = size + kept.nbytes, rows + kept.num_rows
        if size >= _GROUP_BYTES or rows >= _GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting, size, rows = [], 0, 0
    if rows:
        yield pa.Table.from_batches(waiting)


def _entry(
    table: Table,
    columns: pa.Schema,
    file: DataFile,
    location: str,
    size: int,
    metadata: parquet.FileMetaData,
    order: int | None,
) -> DataFile:
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
        pyarrow_to_schema,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

    # The names that the file has, for columns may have been renamed since it was written.
    schema = pyarrow_to_schema(columns)
    statistics = data_file_statistics_from_parquet_metadata(
        metadata, compute_statistics_plan(schema, table.properties), parquet_path_to_id_mapping(schema)
    )
    entry = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        file_size_in_bytes=size,
        sort_order_id=order,
        **statistics.to_serialized_dict(),
    )
    entry.spec_id = file.spec_id
    return entry
