"""From a SCHEMA message to the table it goes to, as that table is and as it has to become."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dativo_protocol.arrow import arrow_schema
from dativo_protocol.errors import SchemaError
from dativo_protocol.schema import columns_of
from target_parquet.destination import LocalPlace, parse_place
from target_parquet.errors import LayoutError
from target_parquet.metadata import SDC_COLUMNS, decoded_fields, stamped_fields
from target_parquet.plan import ParquetPlan
from target_parquet.schema_evolution import evolve

from target_iceberg.columns import keep_text_of_uuids, with_field_ids
from target_iceberg.names import Identifier, TableNames
from target_iceberg.partitioning import SpecPartitioning, parse_partition_fields
from target_iceberg.sort_fields import parse_sort_fields
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
        decoded = self._decoded(message)
        stamped = stamped_fields() if settings.add_record_metadata else []
        wanted = pa.schema([*decoded, *stamped])
        identifier = self._names.of(stream)
        staged = self._staged(message, identifier, wanted)
        wanted = keep_text_of_uuids(wanted, staged.columns)
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
            schema=pa.schema(list(evolved.decode)[: len(decoded)]),
            validated_by="native" if settings.validate_records else "none",
            evolved=replace(evolved, file=with_field_ids(evolved.file, shape.schema)),
            partitioning=partitions,
            partitions=partitions,
            identifier=identifier,
            metadata=staged.metadata,
            shape=shape,
            directory=self._directory(staged.metadata, identifier),
        )

    def _decoded(self, message: SchemaMessage) -> pa.Schema:
        import pyarrow as pa

        columns = columns_of(
            message.schema, stream=message.stream, native_uuid=self._settings.uuid_type == "uuid"
        )
        record = [column for column in columns if column.name not in SDC_COLUMNS]
        fields: list[pa.Field[Any]] = list(
            arrow_schema(record, keys=message.key_properties, stream=message.stream)
        )
        if self._settings.add_record_metadata:
            fields += decoded_fields()
        if not fields:
            raise SchemaError(
                "the schema has no properties, so a table would have no columns", stream=message.stream
            )
        return pa.schema(fields)

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

    def _directory(self, metadata: TableMetadata, identifier: Identifier) -> str:
        """Where data files go, relative to the warehouse.

        Raises:
            LayoutError: the table is somewhere else.
        """
        warehouse, location = parse_place(self._settings.warehouse), parse_place(metadata.location)
        inside = None
        if isinstance(warehouse, LocalPlace) and isinstance(location, LocalPlace):
            if location.path.is_relative_to(warehouse.path):
                inside = location.path.relative_to(warehouse.path).as_posix()
        elif not isinstance(warehouse, LocalPlace) and not isinstance(location, LocalPlace):
            prefix = f"{warehouse.key}/" if warehouse.key else ""
            if location.bucket == warehouse.bucket and location.key.startswith(prefix):
                inside = location.key.removeprefix(prefix)
        if inside is None:
            raise LayoutError(
                f"table {'.'.join(identifier)} is at {metadata.location}, not below the warehouse",
                instruction="Set warehouse to the place that the catalog puts its tables below.",
            )
        return f"{inside}/data"


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
