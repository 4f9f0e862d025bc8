"""From a SCHEMA message to the table it goes to, as that table is and as it has to become."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dativo_protocol.errors import SchemaError
from target_parquet.plan import ParquetPlan
from target_parquet.schema_evolution import evolve

from target_iceberg.columns import keep_text_of_uuids, with_field_ids
from target_iceberg.data_directory import data_directory
from target_iceberg.names import Identifier, TableNames
from target_iceberg.partitioning import SpecPartitioning, parse_partition_fields
from target_iceberg.record_columns import RecordColumns
from target_iceberg.sort_fields import parse_sort_fields
from target_iceberg.sorting import Ordering
from target_iceberg.staged_table import StagedTable, TableShape
from target_iceberg.table_creation import create_table, load_table

if TYPE_CHECKING:
    import pyarrow as pa
    from dativo_protocol.messages import SchemaMessage
    from pyiceberg.catalog import Catalog
    from pyiceberg.table.metadata import TableMetadata

    from target_iceberg.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class IcebergPlan(ParquetPlan):
    """A stream's plan, with its table.

    Attributes:
        identifier: of the table.
        metadata: of the table, with what this SCHEMA changes.
        shape: that its files are written for.
        directory: of its data files, relative to the warehouse.
        partitions: what `partitioning` is.
    """

    identifier: Identifier
    metadata: TableMetadata
    shape: TableShape
    directory: str
    partitions: SpecPartitioning

    @property
    def key_ids(self) -> tuple[int, ...]:
        """Field ids of the stream's key."""
        return tuple(self.shape.schema.find_field(name).field_id for name in self.message.key_properties)

    @property
    def ordering(self) -> Ordering | None:
        """What rows are sorted by; None if they are written as they come."""
        order = self.shape.order
        return None if order is None else Ordering(order, self.shape.schema)


class TablePlanner:
    """Plans each SCHEMA against its table and what this run has planned before."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._names = TableNames(settings)
        self._tables: dict[str, StagedTable] = {}

    def plan(self, message: SchemaMessage) -> IcebergPlan:
        """Choose the columns of a stream; makes its table if there is none.

        Raises:
            SchemaError: the stream cannot be stored, or a type is in conflict and the policy is to fail.
            LayoutError: the stream cannot have the table, the partitions or the load method it is given.
            StoreError: the catalog refuses.
        """
        import pyarrow as pa

        stream, settings = message.stream, self._settings
        columns = RecordColumns.of(message, settings)
        identifier = self._names.of(stream)
        staged = self._staged(message, identifier, columns.all)
        wanted = keep_text_of_uuids(columns.all, staged.columns)
        evolved = evolve(staged.columns, wanted, settings.on_type_conflict, stream=stream)
        _check_names(evolved.file.names, stream)
        staged.evolve_to(evolved.file)
        if fields := parse_partition_fields(settings.partition_fields(stream), stream):
            staged.partition_by(fields, stream)
        if order := parse_sort_fields(settings.sort_fields(stream), stream):
            staged.sort_by(order, stream)
        shape = staged.shape
        partitions = SpecPartitioning(shape.spec, shape.schema)
        return IcebergPlan(
            message=message,
            schema=pa.schema(list(evolved.decode)[: columns.decoded]),
            validated_by="native" if settings.validate_records else "none",
            evolved=replace(evolved, file=with_field_ids(evolved.file, shape.schema)),
            partitioning=partitions,
            partitions=partitions,
            identifier=identifier,
            metadata=staged.metadata,
            shape=shape,
            directory=data_directory(settings.warehouse, staged.metadata.location, identifier),
        )

    def _staged(self, message: SchemaMessage, identifier: Identifier, wanted: pa.Schema) -> StagedTable:
        staged = self._tables.get(message.stream)
        if staged is None:
            table = load_table(self._catalog, identifier) or create_table(
                self._catalog,
                identifier,
                wanted,
                message,
                self._settings.partition_fields(message.stream),
                self._settings.sort_fields(message.stream),
            )
            staged = self._tables[message.stream] = StagedTable(table)
        return staged


def _check_names(names: list[str], stream: str) -> None:
    """Refuse columns that differ in case alone: Spark, Hive and DuckDB take them for one.

    Raises:
        SchemaError: there are such columns.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise SchemaError(
                f"the columns {other!r} and {name!r} differ in case alone, which many readers of a table "
                "cannot tell apart",
                stream=stream,
            )
