"""What a value looks like as PostgreSQL sends it, as Arrow holds it, and as the SCHEMA announces it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
)
from dativo_protocol.describe import ANY_TYPE, json_schema_of_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

KIND_KEY = b"dativo.pg"
"""Field metadata that tells the native core how to decode; nested fields carry their own."""

DELIMITER_KEY = b"dativo.pg.delimiter"
"""Field metadata of an array: what is between its items where they come as text, if it is no comma."""


@dataclass(frozen=True, slots=True)
class Form:
    """How values of a type travel.

    Attributes:
        kind: of binary value that the native core is to expect, such as "int4" or "text".
        type: of the column.
        keywords: what the SCHEMA says besides what follows from the type.
        as_text: the server casts to text first.
        parts: the item of an array, the members of a composite, by name.
        delimiter: between the items of an array, in its text.
    """

    kind: str
    type: ColumnType
    keywords: Mapping[str, Any] = field(default_factory=dict)
    as_text: bool = False
    parts: tuple[tuple[str, Form], ...] = ()
    delimiter: str = ","

    def announced(self, *, nullable: bool = True) -> dict[str, Any]:
        """Return the schema of a value."""
        name = self.keywords.get("type")
        if name is not None:
            schema = {"type": [name, "null"] if nullable else name}
        elif isinstance(self.type, JsonText):
            schema = {"type": list(ANY_TYPE if nullable else ANY_TYPE[:-1])}
        else:
            schema = json_schema_of_type(self.type, nullable=nullable)
        if self.kind == "array":
            schema["items"] = self.parts[0][1].announced()
        elif self.kind == "composite":
            schema["properties"] = {name: part.announced() for name, part in self.parts}
        return schema | {key: value for key, value in self.keywords.items() if key != "type"}


def simple(kind: str, type_: ColumnType, **keywords: Any) -> Form:
    """Return the form of a type that is made of nothing else."""
    return Form(kind, type_, keywords)


def text_form(**keywords: Any) -> Form:
    """Return the form of a type whose values travel as the text the server writes."""
    return Form("text", String(), keywords, as_text=True)


def list_form(item: Form, dimensions: int, delimiter: str = ",") -> Form:
    """Return the form of an array of so many dimensions."""
    for _ in range(dimensions):
        item = Form("array", ListOf(item.type), parts=(("item", item),), delimiter=delimiter)
    return item


def struct_form(members: Sequence[tuple[str, Form]]) -> Form:
    """Return the form of a composite type."""
    columns = tuple(Column(name, member.type) for name, member in members)
    return Form("composite", Struct(columns), parts=tuple(members))


def numeric_form(precision: int, scale: int) -> Form:
    """Return the form of numeric(p,s): a decimal, or the digits as they are where 128 bits do not suffice."""
    if scale < 0:
        digits, places = precision - scale, 0
    else:
        digits, places = max(precision, scale), scale
    if digits <= MAX_DECIMAL_DIGITS:
        return simple("numeric", Decimal(digits, places))
    return simple("numeric", JsonText(), type="number", **{"x-precision": digits, "x-scale": places})


UNBOUNDED_NUMERIC = numeric_form(131_072, 16_383)
"""Of numeric without precision: the most digits that PostgreSQL holds."""


def integer_form(kind: str, bits: int) -> Form:
    """Return the form of a signed integer of so many bits."""
    return simple(kind, Integer(), minimum=-(1 << bits - 1), maximum=(1 << bits - 1) - 1)


INT8 = integer_form("int8", 64)
FLOAT8 = simple("float8", Number())
BOOL = simple("bool", Boolean())
TEXT = simple("text", String())
JSON = simple("json", JsonText())
BYTEA = simple("bytea", Binary())
HEX = simple("bytea", String())
DATE = simple("date", Date())
TIME = simple("time", Time())
TIMESTAMP = simple("timestamp", Timestamp())
TIMESTAMPTZ = simple("timestamptz", TimestampTz())
UNSIGNED = simple("oid", Integer(), minimum=0, maximum=(1 << 32) - 1)

NATIVE: Mapping[str, Form] = {
    "bool": BOOL,
    "int2": integer_form("int2", 16),
    "int4": integer_form("int4", 32),
    "int8": INT8,
    "oid": UNSIGNED,
    "xid": UNSIGNED,
    "float4": simple("float4", Number()),
    "float8": FLOAT8,
    "numeric": UNBOUNDED_NUMERIC,
    "bpchar": TEXT,
    "varchar": TEXT,
    "text": TEXT,
    "name": TEXT,
    "char": simple("char", String()),
    "bytea": BYTEA,
    "date": DATE,
    "time": TIME,
    "timestamp": TIMESTAMP,
    "timestamptz": TIMESTAMPTZ,
    "uuid": simple("uuid", Uuid()),
    "json": JSON,
    "jsonb": simple("jsonb", JsonText()),
    "inet": simple("inet", String()),
    "cidr": simple("inet", String()),
}
"""Types of `pg_catalog`, by name, whose binary form the native core decodes."""

HSTORE = simple("hstore", MapOf(String()))

TEMPORAL_AS_TEXT = frozenset({"date", "timestamp", "timestamptz"})


def arrow_field(name: str, form: Form, *, key: bool = False) -> pa.Field[Any]:
    """Return the Arrow field of a column, with the metadata by which the native core decodes it."""
    import pyarrow as pa
    from dativo_protocol.arrow import arrow_field as plain_field

    plain = plain_field(Column(name, form.type), key=key)
    of: pa.DataType = plain.type
    if form.kind == "array":
        of = pa.list_(arrow_field("item", form.parts[0][1]))
    elif form.kind == "composite":
        of = pa.struct([arrow_field(member, part) for member, part in form.parts])
    metadata = {**(plain.metadata or {}), KIND_KEY: form.kind.encode()}
    if form.delimiter != ",":
        metadata[DELIMITER_KEY] = form.delimiter.encode()
    return pa.field(name, of, nullable=True, metadata=metadata)
