"""Writes position-delete files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from target_parquet.errors import store_error

from target_iceberg.upsert.kernels import constant
from target_iceberg.upsert.table_io import table_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.kernels import Positions

PATH_ID, POSITION_ID = 2147483546, 2147483545
"""Field ids of the two columns, reserved by the Iceberg specification."""

_GROUP_ROWS = 1 << 20


def write_position_deletes(table: Table, rows: Iterable[tuple[str, Positions]], like: DataFile) -> DataFile:
    """Write one delete file.

    Args:
        table: whose it is.
        rows: paths of data files of one partition, in order, each with its positions; there is one at least.
        like: a data file of that partition; the delete file goes beside it.

    Raises:
        StoreError: the destination refuses it.
    """
    from pyarrow import parquet

    location = f"{like.file_path.rpartition('/')[0]}/{uuid4()}-deletes.parquet"
    paths, ends, count = [], [], 0
    try:
        with table_output(table, location) as sink:
            with parquet.ParquetWriter(sink, _schema(), compression="zstd", store_schema=False) as writer:
                for path, positions in rows:
                    writer.write_table(_rows(path, positions), row_group_size=_GROUP_ROWS)
                    paths.append(path)
                    ends += [positions[0].as_py(), positions[-1].as_py()]
                    count += len(positions)
            size = sink.tell()
    except OSError as error:
        raise store_error(f"write {location}", error) from error
    return _entry(like, location, size, count, (paths[0], paths[-1]), (min(ends), max(ends)))


def _schema() -> pa.Schema:
    import pyarrow as pa

    def field(name: str, kind: pa.DataType, number: int) -> pa.Field[Any]:
        return pa.field(name, kind, nullable=False, metadata={"PARQUET:field_id": str(number)})

    return pa.schema([field("file_path", pa.string(), PATH_ID), field("pos", pa.int64(), POSITION_ID)])


def _rows(path: str, positions: Positions) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_arrays([constant(path, pa.string(), len(positions)), positions], schema=_schema())


def _entry(
    like: DataFile, location: str, size: int, count: int, paths: tuple[str, str], positions: tuple[int, int]
) -> DataFile:
    """The entry of a delete file. Its bounds are whole: equal ones of the path tie it to one data file."""
    from pyiceberg.conversions import to_bytes
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.types import LongType, StringType

    def bounds(end: int) -> dict[int, bytes]:
        return {
            PATH_ID: to_bytes(StringType(), paths[end]),
            POSITION_ID: to_bytes(LongType(), positions[end]),
        }

    entry = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=like.partition,
        record_count=count,
        file_size_in_bytes=size,
        value_counts={PATH_ID: count, POSITION_ID: count},
        null_value_counts={PATH_ID: 0, POSITION_ID: 0},
        lower_bounds=bounds(0),
        upper_bounds=bounds(1),
    )
    entry.spec_id = like.spec_id
    return entry
