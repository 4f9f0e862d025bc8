"""Finding and making tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_iceberg.catalog_trouble import explained
from target_iceberg.catalogs import TABLE_DEFAULTS
from target_iceberg.columns import NOTES_PROPERTY, notes_of
from target_iceberg.partitioning import parse_partition_fields, spec_of
from target_iceberg.sort_fields import order_of, parse_sort_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from dativo_protocol.messages import SchemaMessage
    from pyiceberg.catalog import Catalog
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

    from target_iceberg.names import Identifier

STREAM_PROPERTY = "dativo.stream"


def load_table(catalog: Catalog, identifier: Identifier) -> Table | None:
    """The table as the catalog has it now; None if there is none.

    Raises:
        StoreError: the catalog does not say.
    """
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

    with explained(catalog, f"load table {'.'.join(identifier)}"):
        try:
            return catalog.load_table(identifier)
        except (NoSuchTableError, NoSuchNamespaceError):
            return None


def create_table(
    catalog: Catalog,
    identifier: Identifier,
    columns: pa.Schema,
    message: SchemaMessage,
    partition_fields: Sequence[str],
    sort_fields: Sequence[str] = (),
) -> Table:
    """Make a table, or take the one that somebody else has just made.

    The stream's keys become identifier fields where Iceberg allows it, and required.

    Raises:
        LayoutError: its partition or sort fields do not fit its columns.
        StoreError: the catalog refuses.
    """
    from pyiceberg.exceptions import TableAlreadyExistsError

    schema = _schema_of(columns, message.key_properties)
    spec = spec_of(parse_partition_fields(partition_fields, message.stream), schema, message.stream)
    order = order_of(parse_sort_fields(sort_fields, message.stream), schema, message.stream)
    properties = {
        **TABLE_DEFAULTS,
        STREAM_PROPERTY: message.stream,
        NOTES_PROPERTY: notes_of(columns, schema),
    }
    with explained(catalog, f"create table {'.'.join(identifier)}"):
        _make_namespaces(catalog, identifier[:-1])
        try:
            return catalog.create_table(
                identifier, schema, partition_spec=spec, sort_order=order, properties=properties
            )
        except TableAlreadyExistsError:
            return catalog.load_table(identifier)


def _make_namespaces(catalog: Catalog, namespace: tuple[str, ...]) -> None:
    for levels in range(1, len(namespace) + 1):
        _make_namespace(catalog, namespace[:levels])


def _make_namespace(catalog: Catalog, namespace: tuple[str, ...]) -> None:
    from target_iceberg.commit.outcomes import integrity_errors

    try:
        catalog.create_namespace_if_not_exists(namespace)
    except integrity_errors():
        # A SQL catalog looks and then inserts; another loader may do the same between the two.
        if not catalog.namespace_exists(namespace):
            raise


def _schema_of(columns: pa.Schema, keys: Sequence[str]) -> Schema:
    from pyiceberg.io.pyarrow import _ConvertToIcebergWithoutIDs, visit_pyarrow
    from pyiceberg.schema import Schema, assign_fresh_schema_ids

    bare: Any = visit_pyarrow(columns, _ConvertToIcebergWithoutIDs())
    fresh = assign_fresh_schema_ids(bare)
    fields = [
        field.model_copy(update={"required": field.name in keys and _may_identify(field)})
        for field in fresh.fields
    ]
    identifying = [field.field_id for field in fields if field.required]
    # Part of a key identifies nothing.
    identifiers = identifying if len(identifying) == len(keys) else []
    return Schema(*fields, identifier_field_ids=identifiers)


def _may_identify(field: Any) -> bool:
    from pyiceberg.types import DoubleType, FloatType

    return field.field_type.is_primitive and not isinstance(field.field_type, (DoubleType, FloatType))
