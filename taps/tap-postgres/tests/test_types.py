"""Every row of the table of types, discovered on a real server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.arrow import columns_of_arrow
from dativo_protocol.columns import Column, JsonText, ListOf
from dativo_protocol.schema import columns_of
from tap_postgres.connections import Connections
from tap_postgres.discovery import Discovered, look_up
from tap_postgres.forms import KIND_KEY, arrow_field
from tap_postgres.pg_types import PgType
from tap_postgres.type_map import Rules, map_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from conftest import Database, NewDatabase

MADE = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE with_money AS (a int, m money);
CREATE TYPE nested AS (p pair, list int[]);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN short AS varchar(5);
CREATE DOMAIN shorter AS short;
CREATE DOMAIN vector2 AS float8[];
CREATE EXTENSION vector;
"""

INT2 = {"minimum": -(2**15), "maximum": 2**15 - 1}
INT4 = {"minimum": -(2**31), "maximum": 2**31 - 1}
INT8 = {"minimum": -(2**63), "maximum": 2**63 - 1}
ANY = ["string", "object", "array", "integer", "number", "boolean", "null"]
DIGITS = {"type": ["number", "null"], "x-precision": 131_072, "x-scale": 16_383}
NAIVE = {"format": "date-time", "x-sql-datatype": "timestamp"}


def one(name: str, **keywords: Any) -> dict[str, Any]:
    return {"type": [name, "null"], **keywords}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    step = float(f"1e-{scale}") if scale else 1
    return one("number", multipleOf=step, **{"x-precision": precision, "x-scale": scale})


def members(**properties: Any) -> dict[str, Any]:
    return one("object", properties=properties)


TEXT = one("string")
# declared type -> what is announced, the kind of binary value, whether the server casts
TYPES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "bool": (one("boolean"), "bool", False),
    "int2": (one("integer", **INT2), "int2", False),
    "int4": (one("integer", **INT4), "int4", False),
    "int8": (one("integer", **INT8), "int8", False),
    "oid": (one("integer", minimum=0, maximum=2**32 - 1), "oid", False),
    "xid": (one("integer", minimum=0, maximum=2**32 - 1), "oid", False),
    "float4": (one("number"), "float4", False),
    "float8": (one("number"), "float8", False),
    "numeric(12,2)": (decimal(12, 2), "numeric", False),
    "numeric(38,38)": (decimal(38, 38), "numeric", False),
    "numeric(3,-2)": (decimal(5, 0), "numeric", False),
    "numeric(2,5)": (decimal(5, 5), "numeric", False),
    "numeric(39,2)": (one("number", **{"x-precision": 39, "x-scale": 2}), "numeric", False),
    "numeric": (DIGITS, "numeric", False),
    "money": (TEXT, "text", True),
    '"char"': (TEXT, "char", False),
    "char(5)": (one("string", maxLength=5), "text", False),
    "varchar(7)": (one("string", maxLength=7), "text", False),
    "varchar": (TEXT, "text", False),
    "text": (TEXT, "text", False),
    "name": (TEXT, "text", False),
    "bytea": (one("string", contentEncoding="base64"), "bytea", False),
    "date": (one("string", format="date"), "date", False),
    "timestamp": (one("string", **NAIVE), "timestamp", False),
    "timestamp(3)": (one("string", **NAIVE), "timestamp", False),
    "timestamptz": (one("string", format="date-time"), "timestamptz", False),
    "time": (one("string", format="time"), "time", False),
    "timetz": (TEXT, "text", True),
    "interval": (one("string", format="duration"), "text", True),
    "uuid": (one("string", format="uuid"), "uuid", False),
    "json": ({"type": ANY}, "json", False),
    "jsonb": ({"type": ANY}, "jsonb", False),
    "jsonpath": (TEXT, "text", True),
    "inet": (TEXT, "inet", False),
    "cidr": (TEXT, "inet", False),
    "macaddr": (TEXT, "text", True),
    "macaddr8": (TEXT, "text", True),
    "bit(1)": (TEXT, "text", True),
    "varbit": (TEXT, "text", True),
    "point": (TEXT, "text", True),
    "polygon": (TEXT, "text", True),
    "tsvector": (TEXT, "text", True),
    "tsquery": (TEXT, "text", True),
    "pg_lsn": (TEXT, "text", True),
    "pg_snapshot": (TEXT, "text", True),
    "xid8": (TEXT, "text", True),
    "regclass": (TEXT, "text", True),
    "tid": (TEXT, "text", True),
    "int4range": (TEXT, "text", True),
    "int4multirange": (TEXT, "text", True),
    "vector(3)": (TEXT, "text", True),
    "mood": (TEXT, "text", False),
    "positive": (one("integer", **INT4), "int4", False),
    "shorter": (one("string", maxLength=5), "text", False),
    "vector2": (one("array", items=one("number")), "array", False),
    "pair": (members(a=one("integer", **INT4), b=TEXT), "composite", False),
    "with_money": (TEXT, "text", True),
    "nested": (
        members(p=members(a=one("integer", **INT4), b=TEXT), list=one("array", items=one("integer", **INT4))),
        "composite",
        False,
    ),
    "int4[]": (one("array", items=one("integer", **INT4)), "array", False),
    "int4[][]": (one("array", items=one("array", items=one("integer", **INT4))), "array", False),
    "numeric(5,1)[]": (one("array", items=decimal(5, 1)), "array", False),
    "numeric[]": (one("array", items=DIGITS), "array", False),
    "jsonb[]": (one("array", items={"type": ANY}), "array", False),
    "varchar(7)[]": (one("array", items=one("string", maxLength=7)), "array", False),
    "mood[]": (one("array", items=TEXT), "array", False),
    "inet[]": (one("array", items=TEXT), "array", False),
    "pair[]": (one("array", items=members(a=one("integer", **INT4), b=TEXT)), "array", False),
    "money[]": (one("array", items=TEXT), "array", True),
    "with_money[]": (one("array", items=TEXT), "array", True),
    "shorter[]": (one("array", items=one("string", maxLength=5)), "array", False),
    "vector2[]": (TEXT, "text", True),
    "int2vector": (TEXT, "text", True),
}
NAMES = {declared: f"c{number}" for number, declared in enumerate(TYPES)}


@pytest.fixture(scope="module")
def every_type(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with new_database(tmp_path_factory.mktemp("types")) as database:
        columns = ", ".join(f"{name} {declared}" for declared, name in NAMES.items())
        database.execute(f"{MADE} CREATE TABLE every (id int PRIMARY KEY, {columns})")
        yield database


@pytest.fixture(scope="module")
def every(every_type: Database) -> Discovered:
    return discovered(every_type)


def discovered(database: Database, **settings: Any) -> Discovered:
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        (found,) = look_up(connection, database.typed(**settings))
    return found


@pytest.mark.parametrize("declared", TYPES)
def test_a_type(declared: str, every: Discovered) -> None:
    announced, kind, is_cast = TYPES[declared]
    mapped = every.mapped[NAMES[declared]]
    assert mapped.form.announced() == announced
    assert mapped.form.kind == kind
    assert ("::" in mapped.select.as_string()) == is_cast


@pytest.mark.parametrize("declared", TYPES)
def test_targets_make_of_it_what_the_tap_reads(declared: str, every: Discovered) -> None:
    name = NAMES[declared]
    schema = {"type": "object", "properties": {name: every.mapped[name].form.announced()}}
    field = arrow_field(name, every.mapped[name].form)
    assert columns_of(schema, stream="every", native_uuid=True) == tuple(
        Column(name, whole(column.type)) for column in columns_of_arrow(as_schema(field))
    )


@pytest.mark.parametrize("declared", TYPES)
def test_every_field_says_how_it_is_decoded(declared: str, every: Discovered) -> None:
    name = NAMES[declared]
    assert [
        field.name
        for field in fields(arrow_field(name, every.mapped[name].form))
        if KIND_KEY not in (field.metadata or {})
    ] == []


def test_keys_are_not_nullable(every: Discovered) -> None:
    schema = every.schema(["id"], ["id"])
    assert schema == {"type": "object", "properties": {"id": {"type": "integer", **INT4}}, "required": ["id"]}


def test_dates_as_string(every_type: Database) -> None:
    found = discovered(every_type, dates_as_string=True).mapped
    for declared in ("date", "timestamp", "timestamp(3)", "timestamptz"):
        assert found[NAMES[declared]].form.announced() == TEXT
        assert "::" in found[NAMES[declared]].select.as_string()
    assert found[NAMES["time"]].form.announced() == one("string", format="time")


def test_json_as_object(every_type: Database) -> None:
    found = discovered(every_type, json_as_object="true").mapped
    assert found[NAMES["json"]].form.announced() == one("object")
    assert found[NAMES["jsonb"]].form.announced() == one("object")


def test_bytea_as_hex(every_type: Database) -> None:
    mapped = discovered(every_type, bytea_as="hex").mapped[NAMES["bytea"]]
    assert mapped.form.announced() == TEXT
    assert mapped.form.kind == "bytea"


OVERRIDES: dict[str, tuple[str, dict[str, Any], str]] = {
    "text": ("numeric", TEXT, '"{}"::pg_catalog."text"'),
    "integer": ("numeric", one("integer", **INT8), '"{}"::pg_catalog."int8"'),
    "number": ("numeric", one("number"), '"{}"::pg_catalog."float8"'),
    "decimal(38,9)": ("numeric", decimal(38, 9), '"{}"::pg_catalog."numeric"'),
    "boolean": ("int4", one("boolean"), '"{}"::pg_catalog."bool"'),
    "date": ("timestamp", one("string", format="date"), '"{}"::pg_catalog."date"'),
    "time": ("timestamp", one("string", format="time"), '"{}"::pg_catalog."time"'),
    "timestamp": ("timestamptz", one("string", **NAIVE), '"{}"::pg_catalog."timestamp"'),
    "date-time": ("timestamp", one("string", format="date-time"), '"{}"::pg_catalog."timestamptz"'),
    "json": ("int4[]", {"type": ANY}, 'pg_catalog.to_json("{}")'),
}


@pytest.mark.parametrize("chosen", OVERRIDES)
def test_a_type_of_the_users_choice(chosen: str, every_type: Database) -> None:
    declared, announced, select = OVERRIDES[chosen]
    name = NAMES[declared]
    mapped = discovered(every_type, column_types={"public-every": {name: chosen}}).mapped[name]
    assert mapped.form.announced() == announced
    assert mapped.select.as_string() == select.format(name)


def test_text_that_is_json(every_type: Database) -> None:
    name = NAMES["text"]
    mapped = discovered(every_type, column_types={"public-every": {name: "json"}}).mapped[name]
    assert mapped.select.as_string() == f'"{name}"::pg_catalog.json'


@pytest.mark.parametrize("chosen", ["decimal(39,2)", "decimal(4,5)", "decimal(0)", "varchar"])
def test_no_such_type(chosen: str, every_type: Database) -> None:
    reason = every_type.refusal(column_types={"public-every": {"id": chosen}})
    assert f"column_types: {chosen!r} is no type" in reason
    assert "Types are text" in reason


def whole(type_: Any) -> Any:
    """A list of JSON texts is, to a target, one JSON text."""
    return JsonText() if isinstance(type_, ListOf) and isinstance(whole(type_.item), JsonText) else type_


def as_schema(field: pa.Field[Any]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([field])


def fields(field: pa.Field[Any]) -> Iterator[pa.Field[Any]]:
    import pyarrow as pa

    yield field
    if isinstance(field.type, pa.ListType):
        yield from fields(field.type.value_field)
    elif isinstance(field.type, pa.StructType):
        for index in range(field.type.num_fields):
            yield from fields(field.type.field(index))


def of_extension(extension: str, name: str) -> PgType:
    """A type of an extension that is not at hand."""
    return PgType(1_000_000, name, "Extensions", "base", extension)


RULES = Rules(dates_as_text=False, json_as_object=False, hex_bytes=False, geojson=False)


@pytest.mark.parametrize(
    ("type_", "announced", "kind"),
    [
        (of_extension("hstore", "hstore"), one("object", additionalProperties=TEXT), "hstore"),
        (of_extension("citext", "citext"), TEXT, "text"),
        (of_extension("ltree", "ltree"), TEXT, "text"),
        (of_extension("postgis", "geometry"), TEXT, "text"),
        (of_extension("", "hstore"), TEXT, "text"),
    ],
    ids=["hstore", "citext", "ltree", "geometry", "a namesake of hstore"],
)
def test_types_of_extensions(type_: PgType, announced: dict[str, Any], kind: str) -> None:
    mapped = map_column("c", type_, -1, 0, RULES)
    assert mapped is not None
    assert mapped.form.announced() == announced
    assert mapped.form.kind == kind
    assert ("::" in mapped.select.as_string()) == (
        type_.name not in ("hstore", "citext") or not type_.extension
    )


@pytest.mark.parametrize(("delimiter", "told"), [(",", None), (";", b";"), (":", b":")])
def test_the_core_is_told_what_is_between_items_of_an_array(delimiter: str, told: bytes | None) -> None:
    item = replace(of_extension("postgis", "geometry"), delimiter=delimiter)
    array = PgType(1_000_001, "_geometry", "Extensions", "array", item=item)
    mapped = map_column("c", array, -1, 2, RULES)
    assert mapped is not None
    outer = arrow_field("c", mapped.form)
    for field in (outer, outer.type.value_field):
        assert field.metadata.get(b"dativo.pg.delimiter") == told
    assert b"dativo.pg.delimiter" not in outer.type.value_field.type.value_field.metadata


@pytest.mark.parametrize("name", ["geometry", "geography"])
def test_geometry_as_geojson(name: str) -> None:
    mapped = map_column("c", of_extension("postgis", name), -1, 0, replace(RULES, geojson=True))
    assert mapped is not None
    assert mapped.form.announced() == {"type": ANY}
    assert mapped.select.as_string() == '"Extensions"."st_asgeojson"("c")'


def test_what_is_no_type_of_columns_is_unsupported() -> None:
    assert map_column("c", PgType(2276, "any", "pg_catalog", "pseudo"), -1, 0, RULES) is None
    assert map_column("c", PgType(705, "unknown", "pg_catalog", "base"), -1, 0, RULES) is None
