"""A table as this run is going to leave it: new columns and other fields ride in the next commit."""

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
    from pyiceberg.table.sorting import SortOrder
    from pyiceberg.types import NestedField

    from target_iceberg.partitioning import PartitionField
    from target_iceberg.sort_fields import SortField


@dataclass(frozen=True, slots=True)
class TableShape:
    """What files are written for.

    Attributes:
        schema: of the table.
        spec: of its partitions.
        notes: of ours on the columns.
        order: that rows are sorted by; None leaves the table the one it has, and rows as they come.
    """

    schema: Schema
    spec: PartitionSpec
    notes: str
    order: SortOrder | None

    def to_json(self) -> dict[str, Any]:
        """The form it has in the ledger."""
        return {
            "schema": self.schema.model_dump(mode="json"),
            "spec": self.spec.model_dump(mode="json"),
            "notes": self.notes,
            "order": None if self.order is None else self.order.model_dump(mode="json"),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TableShape:
        """Read it back."""
        from pyiceberg.partitioning import PartitionSpec
        from pyiceberg.schema import Schema
        from pyiceberg.table.sorting import SortOrder

        schema = Schema.model_validate(document["schema"])
        spec = PartitionSpec.model_validate(document["spec"])
        order = document.get("order")  # entries of earlier versions have none
        sorted_by = None if order is None else SortOrder.model_validate(order)
        return cls(schema, spec, document["notes"], sorted_by)

    def bring_to(self, transaction: Transaction) -> None:
        """Let a table have this shape, as far as it has not.

        Raises:
            ConflictError: somebody else has changed the table in another direction meanwhile.
        """
        self._bring_schema(transaction)
        self._bring_spec(transaction)
        if self.order is not None:
            _bring_order(transaction, self.order)
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
        self._sorts = False

    @property
    def metadata(self) -> TableMetadata:
        """As it will be."""
        return self._transaction.table_metadata

    @property
    def shape(self) -> TableShape:
        """As it will be."""
        notes = self.metadata.properties.get(NOTES_PROPERTY, "{}")
        order = self.metadata.sort_order() if self._sorts else None
        return TableShape(self.metadata.schema(), self.metadata.spec(), notes, order)

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
        from target_iceberg.partitioning import partition_transform

        metadata = self.metadata
        sources = {column.field_id: column.name for column in metadata.schema().fields}
        has = [(sources.get(each.source_id), str(each.transform)) for each in metadata.spec().fields]
        if has == [(each.source, each.transform) for each in fields]:
            return
        transforms = [partition_transform(each, metadata.schema(), stream) for each in fields]
        with self._transaction.update_spec() as update:
            for old in metadata.spec().fields:
                if (sources.get(old.source_id), str(old.transform)) not in [
                    (f.source, f.transform) for f in fields
                ]:
                    update.remove_field(old.name)
            for each, transform in zip(fields, transforms, strict=True):
                if (each.source, each.transform) not in has:
                    update.add_field(each.source, transform, each.name)

    def sort_by(self, fields: tuple[SortField, ...], stream: str) -> None:
        """Give the table this sort order, for files to come, whose rows are sorted by it.

        Raises:
            LayoutError: it does not fit the columns.
        """
        from pyiceberg.table.sorting import SortDirection

        from target_iceberg.sort_fields import order_fields

        self._sorts = True
        schema = self.metadata.schema()
        wanted = order_fields(fields, schema, stream)
        if self.metadata.sort_order().fields == wanted:
            return
        with self._transaction.update_sort_order() as update:
            for each in wanted:
                step = update.desc if each.direction == SortDirection.DESC else update.asc
                step(schema.find_field(each.source_id).name, each.transform, each.null_order)


def _bring_order(transaction: Transaction, order: SortOrder) -> None:
    from pyiceberg.table.update import AddSortOrderUpdate, SetDefaultSortOrderUpdate

    metadata, number = transaction.table_metadata, order.order_id
    known = metadata.sort_order_by_id(number)
    if known is not None and known.fields != order.fields:
        raise ConflictError("the table has got another sort order meanwhile")
    if metadata.default_sort_order_id == number:
        return
    add = () if known is not None else (AddSortOrderUpdate.model_validate({"sort-order": order}),)
    transaction._apply((*add, SetDefaultSortOrderUpdate.model_validate({"sort-order-id": number})))  # noqa: SLF001


def _leaves(schema: Schema) -> dict[int, tuple[str, str]]:
    """Every field by its id, nested ones too: its full name and its type, where that is no nested one."""
    names = schema._lazy_id_to_name  # noqa: SLF001
    return {number: (names[number], _kind(found)) for number, found in _fields(schema).items()}


def _fields(schema: Schema) -> dict[int, NestedField]:
    from pyiceberg.schema import index_by_id

    return index_by_id(schema)


def _kind(field: NestedField) -> str:
    return str(field.field_type) if field.field_type.is_primitive else type(field.field_type).__name__
