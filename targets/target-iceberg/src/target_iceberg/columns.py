"""The columns of a table between Arrow, as the decoder and the files have them, and Iceberg.

Iceberg knows less of a column than we do: that a string is the text of JSON values, and that a column takes
the values of another whose type was in conflict. A table property keeps that, by field id, so that renaming
a column changes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.arrow import JSON_KEY
from target_parquet.schema_evolution import VARIANT_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

NOTES_PROPERTY = "dativo.columns"

ID_KEY = b"PARQUET:field_id"
NOTED = {JSON_KEY: "json", VARIANT_KEY: "variant_of"}


def columns_of_table(schema: Schema, properties: Mapping[str, str]) -> pa.Schema:
    """The columns as the planner compares them: our Arrow types, with what the notes say."""
    import pyarrow as pa
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    notes = json.loads(properties.get(NOTES_PROPERTY, "{}"))
    plain = schema_to_pyarrow(schema, include_field_ids=True)
    return pa.schema([_as_ours(field, notes) for field in plain])


def keep_text_of_uuids(columns: pa.Schema, known: pa.Schema) -> pa.Schema:
    """The columns, with text for UUIDs where the table has had text for them so far."""
    import pyarrow as pa

    texts = {field.name for field in known if pa.types.is_string(field.type)}
    return pa.schema(
        field.with_type(pa.string()) if field.type == pa.uuid() and field.name in texts else field
        for field in columns
    )


def with_field_ids(columns: pa.Schema, schema: Schema) -> pa.Schema:
    """The columns as a data file has them: with the ids of the table's fields, required where they are."""
    import pyarrow as pa

    return pa.schema([_identified(field, schema.find_field(field.name)) for field in columns])


def notes_of(columns: pa.Schema, schema: Schema) -> str:
    """What the table property has to say about these columns."""
    notes: dict[str, dict[str, str]] = {}
    for column in columns:
        _note(column, schema.find_field(column.name), notes)
    return json.dumps(notes, sort_keys=True)


def _as_ours(field: pa.Field[Any], notes: Mapping[str, Mapping[str, str]]) -> pa.Field[Any]:
    import pyarrow as pa

    noted = notes.get((field.metadata or {}).get(ID_KEY, b"").decode(), {})
    metadata = {key: noted[name].encode() for key, name in NOTED.items() if name in noted}
    ours = pa.field(field.name, _our_type(field.type, notes), nullable=field.nullable)
    return ours.with_metadata(cast("dict[bytes | str, bytes | str]", metadata)) if metadata else ours


def _our_type(type_: pa.DataType, notes: Mapping[str, Mapping[str, str]]) -> pa.DataType:
    import pyarrow as pa
    from pyarrow import types

    if types.is_large_string(type_):
        return pa.string()
    if types.is_large_binary(type_):
        return pa.binary()
    if isinstance(type_, pa.StructType):
        return pa.struct([_as_ours(member, notes) for member in type_])
    if isinstance(type_, pa.MapType):
        return pa.map_(_our_type(type_.key_type, notes), _our_type(type_.item_type, notes))
    if types.is_list(type_) or types.is_large_list(type_):
        item = _as_ours(cast("pa.ListType[Any]", type_).value_field, notes)
        return pa.list_(item.with_name("item"))
    return type_


def _identified(field: pa.Field[Any], iceberg: NestedField) -> pa.Field[Any]:
    import pyarrow as pa

    kept = {key: value for key, value in (field.metadata or {}).items() if key in NOTED}
    metadata = kept | {ID_KEY: str(iceberg.field_id).encode()}
    type_ = _with_ids(field.type, iceberg.field_type)
    return pa.field(
        field.name,
        type_,
        nullable=not iceberg.required,
        metadata=cast("dict[bytes | str, bytes | str]", metadata),
    )


def _with_ids(type_: pa.DataType, iceberg: IcebergType) -> pa.DataType:
    import pyarrow as pa
    from pyarrow import types

    if isinstance(type_, pa.StructType):
        members = {member.name: member for member in cast("StructType", iceberg).fields}
        return pa.struct([_identified(member, members[member.name]) for member in type_])
    if isinstance(type_, pa.MapType):
        map_ = cast("MapType", iceberg)
        key: Any = _identified(type_.key_field.with_name("key"), map_.key_field)
        value: Any = _identified(type_.item_field.with_name("value"), map_.value_field)
        return pa.map_(key, value)
    if types.is_list(type_):
        item = type_.value_field.with_name("element")
        return pa.list_(_identified(item, cast("ListType", iceberg).element_field))
    return type_


def _note(field: pa.Field[Any], iceberg: NestedField, notes: dict[str, dict[str, str]]) -> None:
    from pyiceberg.types import ListType, MapType, StructType

    metadata = field.metadata or {}
    noted = {name: metadata[key].decode() for key, name in NOTED.items() if key in metadata}
    if noted:
        notes[str(iceberg.field_id)] = noted
    inner: Any = field.type
    if isinstance(iceberg.field_type, StructType):
        for member in iceberg.field_type.fields:
            if inner.get_field_index(member.name) >= 0:
                _note(inner.field(member.name), member, notes)
    elif isinstance(iceberg.field_type, ListType):
        _note(inner.value_field, iceberg.field_type.element_field, notes)
    elif isinstance(iceberg.field_type, MapType):
        _note(inner.item_field, iceberg.field_type.value_field, notes)
