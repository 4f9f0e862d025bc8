"""Which changes of a column's type leave the files of before readable, and what types are called.

Legal are the steps that every reader takes by itself and Iceberg allows: a wider integer, a wider float, a
decimal with more digits before the point, new members of a struct. All else is a conflict, even where a
cast would do: an integer read as a float, or text as a date, is not the value that was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_protocol.arrow import JSON_KEY

if TYPE_CHECKING:
    import pyarrow as pa

_LABELS = (
    ("is_boolean", "boolean"),
    ("is_integer", "integer"),
    ("is_floating", "number"),
    ("is_decimal", "decimal"),
    ("is_string", "string"),
    ("is_large_string", "string"),
    ("is_date", "date"),
    ("is_time", "time"),
    ("is_struct", "object"),
    ("is_map", "map"),
    ("is_list", "array"),
    ("is_large_list", "array"),
)


def is_json_text(field: pa.Field[Any]) -> bool:
    """Whether a column holds the text of JSON values, which is not the same as holding strings."""
    return (field.metadata or {}).get(JSON_KEY) == b"text"


def label(field: pa.Field[Any]) -> str:
    """Name a column's type in a word, for the name of a variant column."""
    from pyarrow import types

    if is_json_text(field):
        return "json"
    if types.is_timestamp(field.type):
        return "timestamp" if field.type.tz is None else "timestamptz"
    for predicate, name in _LABELS:
        if getattr(types, predicate)(field.type):
            return name
    return "uuid" if getattr(field.type, "extension_name", "") == "arrow.uuid" else "binary"


def merge(old: pa.Field[Any], new: pa.Field[Any]) -> pa.Field[Any] | None:
    """Return the column that takes the values of both, or None when they conflict; `old` gives the name."""
    if is_json_text(old) != is_json_text(new):
        return None
    merged = _merge_types(old.type, new.type)
    return None if merged is None else old.with_type(merged).with_nullable(nullable=True)


def _merge_types(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa
    from pyarrow import types

    if isinstance(old, pa.StructType) and isinstance(new, pa.StructType):
        return _merge_structs(old, new)
    if isinstance(old, pa.MapType) and isinstance(new, pa.MapType):
        item = merge(old.item_field, new.item_field)
        return None if item is None or old.key_type != new.key_type else pa.map_(old.key_type, item.type)
    if types.is_list(old) and types.is_list(new):
        item = merge(old.value_field, new.value_field)
        return None if item is None else pa.list_(item)
    return old if old == new else _wider_number(old, new)


def _merge_structs(old: pa.StructType, new: pa.StructType) -> pa.StructType | None:
    import pyarrow as pa

    known = {member.name: member for member in old}
    added = [member for member in new if member.name not in known]
    for member in new:
        if member.name in known:
            merged = merge(known[member.name], member)
            if merged is None:
                return None
            known[member.name] = merged
    return pa.struct([*known.values(), *added])


def _wider_number(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa
    from pyarrow import types

    if isinstance(old, pa.Decimal128Type) and isinstance(new, pa.Decimal128Type):
        return max(old, new, key=lambda type_: type_.precision) if old.scale == new.scale else None
    for family in (types.is_signed_integer, types.is_unsigned_integer, types.is_floating):
        if family(old) and family(new):
            return max(old, new, key=lambda type_: type_.bit_width)
    return None
