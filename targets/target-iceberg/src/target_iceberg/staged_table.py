"""A table as this run is going to leave it: new columns and partition fields ride in the next commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_iceberg.columns import NOTES_PROPERTY, columns_of_table, notes_of
from target_iceberg.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.types import NestedField

    from target_iceberg.partitioning import PartitionField


@dataclass(frozen=True, slots=True)
class TableShape:
    """What files are written for: a schema, a partition spec, and our notes on the columns."""

    schema: Schema
    spec: PartitionSpec
    notes: str

    def to_json(self) -> dict[str, Any]:
        """The form it has in the ledger."""
        return {
            "schema": self.schema.model_dump(mode="json"),
            "spec": self.spec.model_dump(mode="json"),
            "notes": self.notes,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TableShape:
        """Read it back."""
        from pyiceberg.partitioning import PartitionSpec
        from pyiceberg.schema import Schema

        schema = Schema.model_validate(document["schema"])
        return cls(schema, PartitionSpec.model_validate(document["spec"]), document["notes"])

    def bring_to(self, transaction: Transaction) -> None:
        """Let a table have this shape, as far as it has not.

        Raises:
            ConflictError: somebody else has changed the table in another direction meanwhile.
        """
        self._bring_schema(transaction)
        self._bring_spec(transaction)
        if transaction.table_metadata.properties.get(NOTES_PROPERTY, "{}") != self.notes:
            transaction.set_properties({NOTES_PROPERTY: self.notes})

    def _bring_schema(self, transaction: Transaction) -> None:
        from pyiceberg.table.update import AddSchemaUpdate, AssertCurrentSchemaId, SetCurrentSchemaUpdate

        head = transaction.table_metadata.schema()
        has, wants = _leaves(head), _leaves(self.schema)
        if wants.items() <= has.items():
            return
        if not has.keys() <= wants.keys():
            raise ConflictError("the table has got other columns meanwhile")
        required = AssertCurrentSchemaId.model_validate({"current-schema-id": head.schema_id})
        transaction._apply(  # noqa: SLF001 -- what pyiceberg's own builder of schema updates does at its end
            (
                AddSchemaUpdate(schema=self._renumbered(transaction)),
                SetCurrentSchemaUpdate.model_validate({"schema-id": -1}),
            ),
            (required,),
        )

    def _renumbered(self, transaction: Transaction) -> Schema:
        from pyiceberg.schema import Schema

        number = 1 + max(schema.schema_id for schema in transaction.table_metadata.schemas)
        ids = self.schema.identifier_field_ids
        return Schema(*self.schema.fields, schema_id=number, identifier_field_ids=ids)

    def _bring_spec(self, transaction: Transaction) -> None:
        from pyiceberg.table.update import AddPartitionSpecUpdate, SetDefaultSpecUpdate

        metadata = transaction.table_metadata
        if metadata.default_spec_id == self.spec.spec_id:
            return
        known = metadata.specs().get(self.spec.spec_id)
        if known is not None and known.fields != self.spec.fields:
            raise ConflictError("the table has got another partition spec meanwhile")
        add = () if known is not None else (AddPartitionSpecUpdate(spec=self.spec),)
        transaction._apply((*add, SetDefaultSpecUpdate.model_validate({"spec-id": self.spec.spec_id})))  # noqa: SLF001


class StagedTable:
    """A table that is loaded, and what the SCHEMA messages of the run do to it, in memory only."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._transaction = table.transaction()

    @property
    def metadata(self) -> TableMetadata:
        """As it will be."""
        return self._transaction.table_metadata

    @property
    def shape(self) -> TableShape:
        """As it will be."""
        notes = self.metadata.properties.get(NOTES_PROPERTY, "{}")
        return TableShape(self.metadata.schema(), self.metadata.spec(), notes)

    @property
    def columns(self) -> pa.Schema:
        """As the planner compares them."""
        return columns_of_table(self.metadata.schema(), self.metadata.properties)

    def evolve_to(self, columns: pa.Schema) -> None:
        """Take new columns, and wider types of old ones; both are steps that Iceberg allows."""
        import pyarrow as pa

        required = {field.name for field in self.metadata.schema().fields if field.required}
        wanted = pa.schema([field.with_nullable(field.name not in required) for field in columns])
        with self._transaction.update_schema() as update:
            update.union_by_name(wanted)
        notes = notes_of(columns, self.metadata.schema())
        if notes != self.metadata.properties.get(NOTES_PROPERTY, "{}"):
            self._transaction.set_properties({NOTES_PROPERTY: notes})

    def partition_by(self, fields: tuple[PartitionField, ...], stream: str) -> None:
        """Give the table these partition fields and no others."""
        from target_iceberg.partitioning import checked_transform

        metadata = self.metadata
        sources = {column.field_id: column.name for column in metadata.schema().fields}
        has = [(sources.get(each.source_id), str(each.transform)) for each in metadata.spec().fields]
        if has == [(each.source, each.transform) for each in fields]:
            return
        transforms = [checked_transform(each, metadata.schema(), stream) for each in fields]
        with self._transaction.update_spec() as update:
            for old in metadata.spec().fields:
                if (sources.get(old.source_id), str(old.transform)) not in [
                    (f.source, f.transform) for f in fields
                ]:
                    update.remove_field(old.name)
            for each, transform in zip(fields, transforms, strict=True):
                if (each.source, each.transform) not in has:
                    update.add_field(each.source, transform, each.name)


def _leaves(schema: Schema) -> dict[int, tuple[str, str]]:
    """Every field by its id, nested ones too: its full name and its type, where that is no nested one."""
    names = schema._lazy_id_to_name  # noqa: SLF001
    return {number: (names[number], _kind(found)) for number, found in _fields(schema).items()}


def _fields(schema: Schema) -> dict[int, NestedField]:
    from pyiceberg.schema import index_by_id

    return index_by_id(schema)


def _kind(field: NestedField) -> str:
    return str(field.field_type) if field.field_type.is_primitive else type(field.field_type).__name__
