"""The type table as data: what `docs/types.md` shows, and what the tests hold `schema` and `arrow` against.

Examples are whole JSON Schemas; the column type beside them is asserted to be what `columns_of` returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

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
from dativo_protocol.describe import json_schema_of_type


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of schema.

    Attributes:
        examples: schemas of this kind, all mapped to `type`.
        type: the column.
        iceberg: the Iceberg v2 type of the column.
        note: why, or what to watch; may be empty.
        native_uuid: the option of `columns_of` the row needs.
    """

    examples: tuple[dict[str, Any], ...]
    type: ColumnType
    iceberg: str
    note: str = ""
    native_uuid: bool = False


_MEMBERS = {"x": {"type": "integer"}, "y": {"type": "string"}}
_STRUCT = Struct((Column("x", Integer()), Column("y", String())))

TYPE_TABLE = (
    Row(({"type": "boolean"}, {"const": True}), Boolean(), "boolean"),
    Row(
        ({"type": ["null", "integer"]}, {"enum": [1, 2, None]}),
        Integer(),
        "long",
        "64 bits always: widening later is free, narrowing is impossible",
    ),
    Row(
        ({"type": "integer", "minimum": 0, "maximum": 18446744073709551615},),
        Decimal(38, 0),
        "decimal(38, 0)",
        "bounds beyond 64 bits; beyond 38 digits JSON text",
    ),
    Row(
        ({"type": "number"}, {"type": ["integer", "number"]}),
        Number(),
        "double",
        "JSON Schema's integers are numbers, so both together promise no more than a number",
    ),
    Row(
        ({"type": "number", "multipleOf": 0.01}, {"type": "number", "multipleOf": 0.05}),
        Decimal(38, 2),
        "decimal(38, 2)",
        "scale of the step. Without two bounds, 19 digits must remain before the point, else JSON text",
    ),
    Row(
        (
            {"type": "number", "x-precision": 12, "x-scale": 4},
            {"type": "string", "format": "x-singer.decimal", "precision": 12, "scale": 4},
        ),
        Decimal(12, 4),
        "decimal(12, 4)",
        "more than 38 digits: a number becomes JSON text, a string stays a string",
    ),
    Row(
        (
            {"type": "string", "format": "singer.decimal"},
            {"type": ["string", "number"], "format": "decimal"},
        ),
        Decimal(38, 9),
        "decimal(38, 9)",
        "a decimal that does not state its scale",
    ),
    Row(
        ({"type": "string"}, {"type": "string", "format": "email"}, {"enum": ["a", "b"]}), String(), "string"
    ),
    Row(({"type": "string", "format": "uuid"},), String(), "string", "the default"),
    Row(
        ({"type": "string", "format": "uuid"},),
        Uuid(),
        "uuid",
        "if the target is set to native UUIDs",
        native_uuid=True,
    ),
    Row(({"type": "string", "contentEncoding": "base64"},), Binary(), "binary"),
    Row(
        (
            {"type": "string", "format": "date-time"},
            {"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]},
        ),
        TimestampTz(),
        "timestamptz",
        "the second spelling is how many taps say nullable; text that is no date-time is an invalid record. "
        "The same holds for date and time",
    ),
    Row(
        ({"type": "string", "format": "date-time", "x-sql-datatype": "timestamp without time zone"},),
        Timestamp(),
        "timestamp",
        "also timestamp, timestamp_ntz, timestampntz, datetime, datetime2, smalldatetime, of any length",
    ),
    Row(({"type": "string", "format": "date"},), Date(), "date"),
    Row(({"type": "string", "format": "time"},), Time(), "time"),
    Row(
        (
            {"type": ["object", "null"], "properties": _MEMBERS},
            {
                "allOf": [
                    {"properties": {"x": {"type": "integer"}}},
                    {"properties": {"y": {"type": "string"}}},
                ]
            },
            {"anyOf": [{"type": "null"}, {"properties": _MEMBERS}]},
        ),
        _STRUCT,
        "struct",
        "members beyond `properties` are ignored and reported once",
    ),
    Row(
        ({"type": "object", "additionalProperties": {"type": "integer"}},),
        MapOf(Integer()),
        "map<string, long>",
        "no `properties`, and every value of one scalar type",
    ),
    Row(
        (
            {"type": "object"},
            {"type": "object", "additionalProperties": True},
            {"type": "object", "properties": {}},
        ),
        JsonText(),
        "string",
    ),
    Row(
        ({"type": "array", "items": {"type": "string"}},),
        ListOf(String()),
        "list<string>",
    ),
    Row(
        ({"type": "array", "items": {"type": "object", "properties": _MEMBERS}},),
        ListOf(_STRUCT),
        "list<struct>",
    ),
    Row(
        (
            {"type": "array"},
            {"type": "array", "items": {}},
            {"type": "array", "prefixItems": [{"type": "string"}]},
        ),
        JsonText(),
        "string",
        "items unknown, of several types, or each with a type of its own: the array as a whole is JSON text",
    ),
    Row(
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]},),
        String(),
        "string",
        "several formats of a string",
    ),
    Row(
        (
            {},
            {"type": ["string", "integer"]},
            {"oneOf": [{"type": "object"}, {"type": "string"}]},
            {"type": "null"},
        ),
        JsonText(),
        "string",
        "nothing said, several types, or only null",
    ),
)

_INTRODUCTION = """\
# Types

Generated by `make docs` from `dativo_protocol.typetable`; do not edit.

The rule: a value that the schema allows fits its column. Where one typed column cannot promise that, the
column holds the value's JSON text, verbatim. A value that does not fit is an invalid record, never a silent
cast. Three promises are narrower than JSON: an integer without bounds has 64 bits (a larger one is an invalid
record), a plain number is a double, and times end at the microsecond (further digits are cut off).

Every column is nullable; names stay as they are. `type` may be a string or a list in any order; null,
`nullable: true` and a null branch of `anyOf` or `oneOf` only say that null is allowed. `allOf` and `$ref`
(within the schema) are folded in first; a recursive `$ref`, one into another document, and what is nested
more than 64 levels deep become JSON text. Unions of integers and decimals take the decimal wide enough for
all. Keywords that only restrict (`pattern`, lengths, `not`, `if`) do not change the type.

## From JSON Schema to columns

| JSON Schema | Arrow | Iceberg | |
|---|---|---|---|
"""

_ANNOUNCED = """
## From columns to JSON Schema

What our taps announce for a nullable column; a key property has no "null".

| Arrow | JSON Schema |
|---|---|
"""

_REMARKS = """
Smaller integers and floats, large and view forms of strings and binaries, large and fixed-size lists,
dictionaries and other units of time are announced as the type they widen to; uint64 as decimal(20, 0);
decimals of more than 38 digits as JSON text; fixed-size binaries of 16 bytes as UUIDs; a column of nulls as
string. Durations, intervals and maps whose keys are no strings have no JSON form: the tap stops and names the
column. Check `multipleOf` with decimals, as Singer targets do; as floats, 0.07 is no multiple of 0.01.
"""


def render_types_page() -> str:
    """Return `docs/types.md`."""
    rows = [_mapping_row(row) for row in TYPE_TABLE]
    announced = [_announced_row(type_) for type_ in dict.fromkeys(row.type for row in TYPE_TABLE)]
    return "".join([_INTRODUCTION, *rows, _ANNOUNCED, *announced, _REMARKS])


def _mapping_row(row: Row) -> str:
    examples = "<br>".join(_code(json.dumps(example)) for example in row.examples)
    return f"| {examples} | {_arrow(row.type)} | {_code(row.iceberg)} | {row.note} |\n"


def _announced_row(type_: ColumnType) -> str:
    return f"| {_arrow(type_)} | {_code(json.dumps(json_schema_of_type(type_)))} |\n"


def _arrow(type_: ColumnType) -> str:
    from dativo_protocol.arrow import arrow_type

    text = str(arrow_type(type_))
    return f"{_code(text)}, JSON text" if isinstance(type_, JsonText) else _code(text)


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"
