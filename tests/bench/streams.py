"""The three streams of the benchmark: their fields and their SCHEMA messages.

Each tool under test declares its own types from these fields, so all of them parse the same columns into the
same types.
"""

import json
from dataclasses import dataclass
from typing import Any

NULLABLE_TYPES = {
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "string": {"type": ["string", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
}


@dataclass(frozen=True)
class Field:
    """A property: a scalar of `NULLABLE_TYPES`, an `object` of `fields` or an `array` of its one field."""

    name: str
    kind: str
    fields: tuple["Field", ...] = ()

    def json_schema(self) -> dict[str, Any]:
        if self.kind == "object":
            return {"type": ["object", "null"], "properties": {f.name: f.json_schema() for f in self.fields}}
        if self.kind == "array":
            return {"type": ["array", "null"], "items": self.fields[0].json_schema()}
        return NULLABLE_TYPES[self.kind]


@dataclass(frozen=True)
class Stream:
    """A stream with its size in a full run of the benchmark."""

    name: str
    records: int
    keys: tuple[str, ...]
    fields: tuple[Field, ...]

    def schema_line(self) -> str:
        schema = {"type": "object", "properties": {field.name: field.json_schema() for field in self.fields}}
        message = {"type": "SCHEMA", "stream": self.name, "schema": schema, "key_properties": list(self.keys)}
        return json.dumps(message) + "\n"


def _scalars(kinds: str) -> tuple[Field, ...]:
    """Fields from `name:kind` words."""
    pairs = (word.split(":") for word in kinds.split())
    return tuple(Field(name, kind) for name, kind in pairs)


LINEITEM = Stream(
    "lineitem",
    1_000_000,
    ("l_orderkey", "l_linenumber"),
    _scalars(
        "l_orderkey:integer l_partkey:integer l_suppkey:integer l_linenumber:integer l_quantity:number "
        "l_extendedprice:number l_discount:number l_tax:number l_returnflag:string l_linestatus:string "
        "l_shipdate:date l_commitdate:date l_receiptdate:date l_shipinstruct:string l_shipmode:string "
        "l_comment:string"
    ),
)

EVENTS = Stream(
    "events",
    500_000,
    ("id",),
    (
        *_scalars("id:string type:string created_at:datetime livemode:boolean amount:number currency:string"),
        Field(
            "actor",
            "object",
            (
                *_scalars("id:integer email:string name:string"),
                Field("address", "object", _scalars("city:string country:string")),
            ),
        ),
        Field("tags", "array", (Field("item", "string"),)),
        Field(
            "items",
            "array",
            (
                Field(
                    "item", "object", _scalars("sku:string quantity:integer price:number shipped_at:datetime")
                ),
            ),
        ),
        Field("message", "string"),
    ),
)

WIDE_KINDS = ("integer", "number", "string", "boolean", "datetime", "string")

WIDE = Stream(
    "wide",
    100_000,
    ("id",),
    (
        Field("id", "integer"),
        *(
            Field(f"{kind}_property_{index:03d}", kind)
            for index in range(1, 120)
            for kind in [WIDE_KINDS[index % len(WIDE_KINDS)]]
        ),
    ),
)

STREAMS = {stream.name: stream for stream in (LINEITEM, EVENTS, WIDE)}
