"""The names that column types have in the settings, and a word for each in messages."""

from __future__ import annotations

import re

from dativo_protocol.columns import (
    Boolean,
    ColumnType,
    Date,
    Decimal,
    Integer,
    JsonText,
    Number,
    String,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
)

_BY_NAME: dict[str, ColumnType] = {
    "string": String(),
    "integer": Integer(),
    "number": Number(),
    "boolean": Boolean(),
    "date": Date(),
    "time": Time(),
    "timestamp": Timestamp(),
    "date-time": TimestampTz(),
}
_BY_TYPE = {column_type: name for name, column_type in _BY_NAME.items()}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_TEXT_IN_CSV = (JsonText, Uuid)


def parse_type(text: str) -> ColumnType:
    """Read a type as the settings name it.

    Raises:
        ValueError: there is no such type; the message names those there are.
    """
    name = text.strip().lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if decimal := _DECIMAL.fullmatch(name):
        return Decimal(int(decimal[1]), int(decimal[2]))
    raise ValueError(f"unknown type {text!r}: use one of {', '.join(_BY_NAME)}, decimal(p,s)")


def type_name(column_type: ColumnType) -> str:
    """Name a type as the settings do."""
    if isinstance(column_type, Decimal):
        return f"decimal({column_type.precision},{column_type.scale})"
    return _BY_TYPE[column_type]


def as_readable(column_type: ColumnType) -> ColumnType | None:
    """Return the type that fields of a CSV file are read as, None if fields cannot hold it."""
    if isinstance(column_type, _TEXT_IN_CSV):
        return String()
    if isinstance(column_type, Decimal) or column_type in _BY_TYPE:
        return column_type
    return None
