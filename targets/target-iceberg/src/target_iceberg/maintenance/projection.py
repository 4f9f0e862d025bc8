"""Rows of a file as the table's schema has them now: columns are matched by field id, at every level.

pyiceberg could do that too, but it turns lists of structs that are null into empty ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_ID = b"PARQUET:field_id"


def project(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Rename, reorder, widen and add columns; all fields of both sides have ids.

    Args:
        batch: rows of a file.
        schema: of the table, with field ids.
    """
    import pyarrow as pa

    columns = _members(list(batch.schema), batch.columns, list(schema), batch.num_rows)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def has_ids(schema: pa.Schema) -> bool:
    """Whether a file says of all its columns, nested ones too, which they are."""
    return all(_has_ids(field) for field in schema)


def _has_ids(field: pa.Field[Any]) -> bool:
    return _ID in (field.metadata or {}) and all(_has_ids(inner) for inner in _inner(field.type))


def _inner(type_: pa.DataType) -> list[pa.Field[Any]]:
    import pyarrow as pa

    if isinstance(type_, pa.StructType):
        return list(type_)
    if isinstance(type_, pa.MapType):
        return [type_.key_field, type_.item_field]
    if isinstance(type_, (pa.ListType, pa.LargeListType)):
        return [type_.value_field]
    return []


def _members(
    fields: Sequence[pa.Field[Any]],
    arrays: Sequence[pa.Array[Any]],
    wanted: Sequence[pa.Field[Any]],
    rows: int,
) -> list[pa.Array[Any]]:
    import pyarrow as pa

    found = {_id(field): array for field, array in zip(fields, arrays, strict=True)}
    return [
        _cast(found[_id(field)], field.type) if _id(field) in found else pa.nulls(rows, field.type)
        for field in wanted
    ]


def _id(field: pa.Field[Any]) -> bytes:
    return (field.metadata or {})[_ID]


def _cast(array: pa.Array[Any], type_: pa.DataType) -> pa.Array[Any]:
    import pyarrow as pa

    if array.type.equals(type_, check_metadata=True):
        return array
    if isinstance(array, pa.StructArray):
        return _struct(array, cast("pa.StructType", type_))
    if isinstance(array, pa.MapArray):
        return _map(array, cast("pa.MapType[Any, Any, Any]", type_))
    if isinstance(array, (pa.ListArray, pa.LargeListArray)):
        return _list(array, cast("pa.ListType[Any]", type_))
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if isinstance(type_, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type_, array.cast(type_.storage_type))
    return array.cast(type_)


def _struct(array: pa.StructArray, type_: pa.StructType) -> pa.StructArray:
    import pyarrow as pa

    arrays = [array.field(at) for at in range(array.type.num_fields)]
    members = _members(list(array.type), arrays, list(type_), len(array))
    return pa.StructArray.from_arrays(members, fields=list(type_), mask=array.is_null())


def _list(array: Any, type_: pa.ListType[Any]) -> pa.Array[Any]:
    """The values behind the offsets are projected as a whole, so offsets and nulls stay as they are."""
    import pyarrow as pa

    if isinstance(array, pa.LargeListArray):
        array = array.cast(pa.list_(array.type.value_field))
    values = _cast(array.values, type_.value_type)
    buffers = array.buffers()[:2]
    return pa.Array.from_buffers(type_, len(array), buffers, offset=array.offset, children=[values])


def _map(array: pa.MapArray[Any, Any], type_: pa.MapType[Any, Any, Any]) -> pa.Array[Any]:
    import pyarrow as pa

    keys, items = _cast(array.keys, type_.key_type), _cast(array.items, type_.item_type)
    pairs = pa.StructArray.from_arrays([keys, items], fields=[type_.key_field, type_.item_field])
    buffers = array.buffers()[:2]
    return pa.Array.from_buffers(type_, len(array), buffers, offset=array.offset, children=[pairs])
