"""The notation of tests/conformance/cases/decode: column types and values as plain JSON."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIMPLE = {
    "bool": pa.bool_(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "utf8": pa.string(),
    "json": pa.string(),
    "binary": pa.binary(),
    "timestamp[us,UTC]": pa.timestamp("us", "UTC"),
    "timestamp[us]": pa.timestamp("us"),
    "date32": pa.date32(),
    "time64[us]": pa.time64("us"),
    "uuid": pa.binary(16),
}


def schema_of(columns: Sequence[dict[str, Any]]) -> pa.Schema:
    """The Arrow schema of a plan."""
    return pa.schema([_field(column) for column in columns])


def rows_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows in the notation of `expect.json`."""
    columns = [
        [_value(value, field.type) for value in column.to_pylist()]
        for field, column in zip(batch.schema, batch.columns, strict=True)
    ]
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _field(column: dict[str, Any]) -> pa.Field:
    metadata = {}
    if column["type"] == "json":
        metadata["dativo.json"] = "text"
    if column.get("key"):
        metadata["dativo.key"] = "true"
    if "source" in column:
        metadata["dativo.source"] = column["source"]
    return pa.field(column["name"], _type(column), metadata=metadata)


def _type(column: dict[str, Any]) -> pa.DataType:
    name = column["type"]
    if name == "struct":
        return pa.struct([_field(member) for member in column["fields"]])
    if name == "list":
        return pa.list_(_field({"name": "item", **column["item"]}))
    if name == "map":
        return pa.map_(pa.string(), _field({"name": "value", **column["item"]}))
    if decimal := re.fullmatch(r"decimal128\((\d+),\s*(\d+)\)", name):
        return pa.decimal128(*map(int, decimal.groups()))
    return _SIMPLE[name]


def _value(value: Any, kind: pa.DataType) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.datetime):
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"{text}Z" if value.tzinfo else text
    if isinstance(value, dt.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, dict):
        return {member.name: _value(value[member.name], member.type) for member in kind}
    if pa.types.is_map(kind):
        return [[key, _value(item, kind.item_type)] for key, item in value]
    if isinstance(value, list):
        return [_value(item, kind.value_type) for item in value]
    return str(value) if isinstance(value, dt.date) else format(value, "f")
