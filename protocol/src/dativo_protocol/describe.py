"""Columns -> JSON Schema: what a tap announces. The inverse of `schema`, in words that old targets know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_protocol.columns import (
    Binary,
    Boolean,
    Column,
    ColumnType,
    Date,
    Decimal,
    Integer,
    JsonText,
    ListOf,
    MapOf,
    Number,
    String,
    Struct,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ANY_TYPE = ("string", "object", "array", "integer", "number", "boolean", "null")
"""A schema without `type` makes several targets drop the column or fail, so "anything" names every type."""


def json_schema_of_columns(columns: Iterable[Column], *, keys: Collection[str] = ()) -> dict[str, Any]:
    """Return the root schema of a stream: every property nullable but the keys, which are required."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            column.name: json_schema_of_type(column.type, nullable=column.name not in keys)
            for column in columns
        },
    }
    return {**schema, "required": list(keys)} if keys else schema


def json_schema_of_type(type_: ColumnType, *, nullable: bool = True) -> dict[str, Any]:
    """Return the schema of one value; `columns_of` maps it back to the same type."""
    if isinstance(type_, JsonText):
        return {"type": list(ANY_TYPE if nullable else ANY_TYPE[:-1])}
    name, details = _words(type_)
    return {"type": [name, "null"] if nullable else name, **details}


def _words(type_: ColumnType) -> tuple[str, dict[str, Any]]:
    match type_:
        case Decimal(precision, scale):
            step = 1 if scale == 0 else float(f"1e-{scale}")
            return "number", {"multipleOf": step, "x-precision": precision, "x-scale": scale}
        case Struct(columns):
            members = {column.name: json_schema_of_type(column.type) for column in columns}
            return "object", {"properties": members}
        case ListOf(item):
            return "array", {"items": json_schema_of_type(item)}
        case MapOf(value):
            return "object", {"additionalProperties": json_schema_of_type(value)}
        case _:
            return _SCALARS[type(type_)]


_SCALARS: dict[type, tuple[str, dict[str, Any]]] = {
    Boolean: ("boolean", {}),
    Integer: ("integer", {}),
    Number: ("number", {}),
    String: ("string", {}),
    Binary: ("string", {"contentEncoding": "base64"}),
    TimestampTz: ("string", {"format": "date-time"}),
    Timestamp: ("string", {"format": "date-time", "x-sql-datatype": "timestamp"}),
    Date: ("string", {"format": "date"}),
    Time: ("string", {"format": "time"}),
    Uuid: ("string", {"format": "uuid"}),
}
