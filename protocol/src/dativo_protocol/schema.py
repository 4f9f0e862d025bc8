"""JSON Schema -> column types: the one type table of Dativo (G6, G7, G8).

The rule behind the table: a value that the schema allows must fit its column without loss. Where one typed
column cannot do that, the column keeps the value's JSON text. `docs/types.md` shows the table; `typetable`
renders it from examples that are tested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dativo_protocol.columns import (
    MAX_DECIMAL_DIGITS,
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
    name_fault,
)
from dativo_protocol.decimals import DECIMAL_FORMATS, TooWide, decimal_of, integer_decimal_of
from dativo_protocol.errors import SchemaError
from dativo_protocol.shapes import Resolver, Schema, Shape

__all__ = [
    "Binary",
    "Boolean",
    "Column",
    "ColumnType",
    "Date",
    "Decimal",
    "Integer",
    "JsonText",
    "ListOf",
    "MapOf",
    "Number",
    "String",
    "Struct",
    "Time",
    "Timestamp",
    "TimestampTz",
    "Uuid",
    "columns_of",
]

MAX_DEPTH = 64
"""Levels of nesting that become structs and lists; what lies deeper is kept as JSON text."""

NAIVE_SQL_TYPES = frozenset(
    {
        "datetime",
        "datetime2",
        "smalldatetime",
        "timestamp",
        "timestamp without time zone",
        "timestamp_ntz",
        "timestampntz",
    }
)
"""Values of `x-sql-datatype` by which a date-time has no time zone, lengths such as "(6)" left out."""

_TEMPORAL = (TimestampTz, Timestamp, Date, Time)
_WRITTEN_AS_STRING = (String, Binary, Uuid, *_TEMPORAL)


def columns_of(schema: Mapping[str, Any], *, stream: str, native_uuid: bool = False) -> tuple[Column, ...]:
    """Return the columns of a stream, in the order of the schema's properties.

    Args:
        schema: the `schema` of a SCHEMA message; its root must be an object with `properties`.
        stream: name for errors.
        native_uuid: give `format: uuid` a column type of its own instead of String.

    Raises:
        SchemaError: the root has no properties, or a sub-schema is malformed.
    """
    try:
        return _Mapper(schema, stream=stream, native_uuid=native_uuid).root_columns()
    except RecursionError:
        raise SchemaError("the schema is nested too deeply", stream=stream) from None


class _Mapper:
    def __init__(self, schema: Schema, *, stream: str, native_uuid: bool) -> None:
        self._resolver = Resolver(schema, stream=stream)
        self._schema = schema
        self._stream = stream
        self._uuid = Uuid() if native_uuid else String()
        self._depth = 0

    def root_columns(self) -> tuple[Column, ...]:
        found = self._resolver.shapes(self._schema, "")
        objects = [shape for shape in found.shapes if shape.kind == "object" and "properties" in shape.schema]
        if len(objects) != 1:
            raise SchemaError("the schema is not one object with `properties`", stream=self._stream)
        return self._columns(objects[0], "")

    def _columns(self, shape: Shape, path: str) -> tuple[Column, ...]:
        properties = shape.schema["properties"]
        if not isinstance(properties, Mapping):
            raise SchemaError("`properties` is not an object", stream=self._stream, path=f"{path}/properties")
        required = shape.schema.get("required")
        names = frozenset(filter(_is_text, required)) if isinstance(required, list) else frozenset()
        columns = []
        for name, node in properties.items():
            place = f"{path}/properties/{_escape(name)}"
            if fault := name_fault(name):
                raise SchemaError(fault, stream=self._stream, path=ascii(place)[1:-1])
            type_, nullable = self._type(node, place, shape.trail)
            columns.append(Column(name, type_, required=name in names and not nullable))
        return tuple(columns)

    def _type(self, node: object, path: str, trail: frozenset[str]) -> tuple[ColumnType, bool]:
        if self._depth == MAX_DEPTH:
            return JsonText(), True
        found = self._resolver.shapes(node, path, trail)
        self._depth += 1
        types = dict.fromkeys(self._type_of_shape(shape, path) for shape in found.shapes)
        self._depth -= 1
        return _union(tuple(types)), found.nullable

    def _type_of_shape(self, shape: Shape, path: str) -> ColumnType:
        match shape.kind:
            case "boolean":
                return Boolean()
            case "integer":
                return _integer(shape.schema)
            case "number":
                return _number(shape.schema)
            case "string":
                return self._string(shape.schema)
            case "object":
                return self._object(shape, path)
            case "array":
                return self._array(shape, path)
            case "any":
                return JsonText()

    def _string(self, schema: Schema) -> ColumnType:
        match schema.get("format"):
            case "date-time":
                return Timestamp() if _is_naive(schema) else TimestampTz()
            case "date":
                return Date()
            case "time":
                return Time()
            case "uuid":
                return self._uuid
        if schema.get("contentEncoding") == "base64":
            return Binary()
        # Keywords of numbers say nothing of a string: only its format makes it a decimal.
        if schema.get("format") not in DECIMAL_FORMATS:
            return String()
        try:
            return decimal_of(schema) or String()
        except TooWide:
            return String()

    def _object(self, shape: Shape, path: str) -> ColumnType:
        if shape.schema.get("properties"):
            return Struct(self._columns(shape, path))
        values = shape.schema.get("additionalProperties")
        if not isinstance(values, Mapping) or shape.schema.get("patternProperties"):
            return JsonText()
        value, _ = self._type(values, f"{path}/additionalProperties", shape.trail)
        return JsonText() if isinstance(value, JsonText | Struct | ListOf | MapOf) else MapOf(value)

    def _array(self, shape: Shape, path: str) -> ColumnType:
        # A tuple has a type per position: a list under `items` in draft 4, `prefixItems` in 2020-12.
        if "prefixItems" in shape.schema or not isinstance(shape.schema.get("items"), Mapping):
            return JsonText()
        item, _ = self._type(shape.schema["items"], f"{path}/items", shape.trail)
        return JsonText() if isinstance(item, JsonText) else ListOf(item)


def _integer(schema: Schema) -> ColumnType:
    try:
        return integer_decimal_of(schema) or Integer()
    except TooWide:
        return JsonText()


def _number(schema: Schema) -> ColumnType:
    try:
        return decimal_of(schema) or Number()
    except TooWide:
        return JsonText()


def _union(types: tuple[ColumnType, ...]) -> ColumnType:
    """Return the type that holds any of `types` without loss."""
    if len(types) == 1:
        return types[0]
    if set(types) == {Integer(), Number()}:
        return Number()  # JSON Schema's integers are numbers: the schema promises no more than a number
    if types and all(isinstance(type_, Integer | Decimal) for type_ in types):
        return _wider(types)
    if types and all(isinstance(type_, _WRITTEN_AS_STRING) for type_ in types):
        return _text_union(types)
    return JsonText()


def _wider(types: tuple[ColumnType, ...]) -> ColumnType:
    decimals = [type_ if isinstance(type_, Decimal) else Decimal(19, 0) for type_ in types]
    scale = max(each.scale for each in decimals)
    precision = scale + max(each.precision - each.scale for each in decimals)
    return Decimal(precision, scale) if precision <= MAX_DECIMAL_DIGITS else JsonText()


def _text_union(types: tuple[ColumnType, ...]) -> ColumnType:
    # {"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]} is how many taps
    # write "nullable date-time"; every Singer target reads it so, and a value that is no date is reported.
    temporal = [type_ for type_ in types if isinstance(type_, _TEMPORAL)]
    others = [type_ for type_ in types if type_ not in temporal]
    return temporal[0] if len(temporal) == 1 and others == [String()] else String()


def _is_naive(schema: Schema) -> bool:
    declared = schema.get("x-sql-datatype")
    return isinstance(declared, str) and re.sub(r"\(.*?\)", "", declared).strip().lower() in NAIVE_SQL_TYPES


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
