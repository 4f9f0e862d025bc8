"""Iceberg tables for tests, in a SQLite catalog, filled with Parquet files written outside pyiceberg."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
from pyarrow import parquet
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record

NAMESPACE = "made"


def open_sqlite_catalog(directory: Path, **properties: str) -> SqlCatalog:
    """A catalog with one empty namespace; the tables stand below the directory unless told otherwise."""
    directory.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{directory / 'catalog.db'}"
    catalog = SqlCatalog("tests", uri=uri, **{"warehouse": directory.as_uri(), **properties})
    catalog.create_namespace_if_not_exists(NAMESPACE)
    return catalog


def write_data_file(table: Table, rows: list[dict[str, Any]] | pa.Table, *partition: Any) -> DataFile:
    """Write rows to a Parquet file with field ids; it is not part of the table yet.

    pyiceberg's own writer is no use here: it turns lists of structs that are null into empty ones.
    """
    schema = schema_to_pyarrow(table.schema(), include_field_ids=True)
    data = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    batch = _with_ids(data, schema)
    path = table.location_provider().new_data_location(f"{uuid4()}.parquet")
    with table.io.new_output(path).create() as sink:
        writer = parquet.ParquetWriter(sink, schema, compression="zstd", store_decimal_as_integer=True)
        writer.write_table(batch)
        writer.close()
    return data_file(table, path, writer.writer.metadata, Record(*partition))


def data_file(table: Table, path: str, footer: parquet.FileMetaData, partition: Record) -> DataFile:
    """What a manifest says of a file that has been written, with the statistics of its footer."""
    statistics = data_file_statistics_from_parquet_metadata(
        footer,
        compute_statistics_plan(table.schema(), table.properties),
        parquet_path_to_id_mapping(table.schema()),
    )
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=partition,
        file_size_in_bytes=len(table.io.new_input(path)),
        sort_order_id=None,
        **statistics.to_serialized_dict(),
    )
    file.spec_id = table.metadata.default_spec_id
    return file


def append_files(table: Table, *files: DataFile, **properties: str) -> None:
    """Commit data files and table properties at once."""
    with table.transaction() as transaction:
        if properties:
            transaction.set_properties(properties)
        with transaction.update_snapshot().fast_append() as snapshot:
            for file in files:
                snapshot.append_data_file(file)


def append_rows(table: Table, rows: list[dict[str, Any]] | pa.Table) -> DataFile:
    """Write rows to one file and commit it, for tables without partitions."""
    file = write_data_file(table, rows)
    append_files(table, file)
    return file


def _with_ids(data: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        data.column(field.name).cast(field.type) if field.name in data.column_names else _nulls(data, field)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _nulls(data: pa.Table, field: pa.Field) -> pa.Array:
    return pa.nulls(data.num_rows, field.type)
