"""Equality deletes: the keys that go are written down, and readers look for their rows.

A commit then costs nothing for the size of the table, and every reader pays for it until maintenance has
turned the keys into positions. An equality-delete file applies to rows that are older than its commit, so the
epoch's own stay; it is written under a spec without partitions and applies to all of them, because a row may
come back in another partition than its last one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from target_parquet.errors import store_error

from target_iceberg.upsert.table_io import table_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa
    from pyarrow import parquet
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.table import Table, Transaction

    from target_iceberg.commit.change import Change
    from target_iceberg.upsert.kernels import Values
    from target_iceberg.upsert.key_columns import KeyColumns
    from target_iceberg.upsert.live_files import LiveFile

_GROUP_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class ByValue:
    """Rows that go by their keys.

    Attributes:
        file: of equality deletes.
        evolve: the step that gives the table the spec of that file, if it needs one.
    """

    file: DataFile
    evolve: Callable[[Transaction], None] | None

    def applied_to(self, live: Iterable[LiveFile]) -> list[LiveFile]:
        """Data files of the table as they are with this, so that none of them is written anew beside it."""
        return [replace(each, equality_deletes=(*each.equality_deletes, self.file)) for each in live]

    def added_to(self, change: Change) -> Change:
        """A change with this, which has no steps of its own."""
        summary = {**change.summary, "dativo.keys-deleted": str(self.file.record_count)}
        return replace(change, deletes=(*change.deletes, self.file), evolve=self.evolve, summary=summary)


def can_be_equality(columns: KeyColumns) -> bool:
    """Whether readers agree on which keys are equal; on floats they do not, for there are two zeros."""
    import pyarrow as pa

    return not any(pa.types.is_floating(field.type) for field in columns.schema)


def spec_of_all(
    table: Table, coming: PartitionSpec | None = None
) -> tuple[int, Callable[[Transaction], None] | None]:
    """The spec without partitions: its number, and the step that gives it to a table that has none.

    Args:
        table: as it is.
        coming: the spec that the same commit may bring, with the number that it will have.
    """
    specs = table.metadata.specs() | ({coming.spec_id: coming} if coming is not None else {})
    for number, spec in specs.items():
        if not spec.fields:
            return number, None
    number = 1 + max(specs)
    return number, partial(_add_spec, number)


def _add_spec(number: int, transaction: Transaction) -> None:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.table.update import AddPartitionSpecUpdate

    spec = PartitionSpec(spec_id=number)
    transaction._apply((AddPartitionSpecUpdate(spec=spec),))  # noqa: SLF001 -- the builder refuses a spec that is not to be used for rows


def write_equality_deletes(
    table: Table, columns: KeyColumns, keys: Iterable[pa.RecordBatch], spec_id: int
) -> DataFile:
    """Write the keys whose rows go.

    Args:
        table: whose rows they are.
        columns: that make the key.
        keys: with these columns; there is one at least.
        spec_id: of the spec without partitions.

    Raises:
        StoreError: the destination refuses the file.
    """
    from pyarrow import parquet

    location = f"{table.location()}/data/{uuid4()}-equality-deletes.parquet"
    schema = _schema(table, columns)
    rows = 0
    try:
        with table_output(table, location) as sink:
            with parquet.ParquetWriter(
                sink, schema, compression="zstd", store_schema=False, store_decimal_as_integer=True
            ) as writer:
                for batch in keys:
                    writer.write_batch(_as_file_has_them(batch, schema), row_group_size=_GROUP_ROWS)
                    rows += batch.num_rows
            size = sink.tell()
    except OSError as error:
        raise store_error(f"write {location}", error) from error
    return _entry(table, columns, location, (rows, size), (schema, writer.writer.metadata), spec_id)


def _schema(table: Table, columns: KeyColumns) -> pa.Schema:
    import pyarrow as pa
    from pyiceberg.io.pyarrow import schema_to_pyarrow
    from pyiceberg.schema import Schema

    fields: list[pa.Field[Any]] = []
    for field_id, field in zip(columns.ids, columns.schema, strict=True):
        kind = schema_to_pyarrow(Schema(table.schema().find_field(field_id))).field(0).type
        shown = kind if isinstance(kind, pa.BaseExtensionType) else field.type
        fields.append(field.with_type(shown).with_metadata({"PARQUET:field_id": str(field_id)}))
    return pa.schema(fields)


def _as_file_has_them(keys: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    def shown(column: Values, kind: Any) -> Values:
        if isinstance(kind, pa.BaseExtensionType):
            return pa.ExtensionArray.from_storage(kind, column)
        return column

    arrays = [shown(column, kind) for column, kind in zip(keys.columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _entry(
    table: Table,
    columns: KeyColumns,
    location: str,
    rows_and_size: tuple[int, int],
    written: tuple[pa.Schema, parquet.FileMetaData],
    spec_id: int,
) -> DataFile:
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
        pyarrow_to_schema,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    schema = pyarrow_to_schema(written[0])
    statistics = data_file_statistics_from_parquet_metadata(
        written[1], compute_statistics_plan(schema, table.properties), parquet_path_to_id_mapping(schema)
    ).to_serialized_dict()
    entry = DataFile.from_args(
        **statistics
        | {
            "content": DataFileContent.EQUALITY_DELETES,
            "file_path": location,
            "file_format": FileFormat.PARQUET,
            "partition": Record(),
            "record_count": rows_and_size[0],
            "file_size_in_bytes": rows_and_size[1],
            "equality_ids": list(columns.ids),
        }
    )
    entry.spec_id = spec_id
    return entry
