"""Tables of random types and values, as PostgreSQL reads them."""

import json
from dataclasses import dataclass
from datetime import UTC

import psycopg
from hypothesis import strategies as st
from psycopg import sql

from tests.fidelity.returning import quoted

Text = st.SearchStrategy[str]
MADE = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'naïve \"x\"')"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def integers(bits: int) -> Text:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(str)


def floats(width: int) -> Text:
    return st.floats(width=width, allow_nan=False, allow_infinity=False).map(repr)


def digits(precision: int, scale: int) -> Text:
    most = 10**precision - 1
    return st.integers(-most, most).map(lambda value: shifted(value, scale))


def shifted(value: int, places: int) -> str:
    """The value with a point so many digits before its end, none of them rounded."""
    if places <= 0:
        return str(value * 10**-places)
    digits = str(abs(value)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


SCALARS: dict[str, Text] = {
    "bool": st.sampled_from(["t", "f"]),
    "int2": integers(16),
    "int4": integers(32),
    "int8": integers(64),
    "oid": st.integers(0, 2**32 - 1).map(str),
    "float4": floats(32),
    "float8": floats(64),
    "numeric": st.integers(0, 30).flatmap(lambda scale: digits(60, scale)),
    "numeric(12,2)": digits(12, 2),
    "numeric(38,0)": digits(38, 0),
    "numeric(38,38)": digits(38, 38),
    "numeric(50,7)": digits(50, 7),
    "numeric(5,-3)": digits(5, -3),
    "money": st.integers(-(2**63), 2**63 - 1).map(lambda cents: shifted(cents, 2)),
    "text": TEXTS,
    "varchar(20)": TEXTS,
    "char(21)": TEXTS,
    "bytea": st.binary(max_size=20).map(lambda value: f"\\x{value.hex()}"),
    "date": st.dates().map(str),
    "timestamp": st.datetimes().map(str),
    "timestamptz": st.datetimes(timezones=st.just(UTC)).map(str),
    "time": st.times().map(str),
    "timetz": st.times().map(lambda value: f"{value}+05:30"),
    "interval": st.tuples(*[st.integers(-999, 999)] * 4).map(
        lambda parts: "{} mons {} days {} seconds {} microseconds".format(*parts)
    ),
    "uuid": st.uuids().map(str),
    "json": JSON.map(json.dumps),
    "jsonb": JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
    "inet": st.ip_addresses().map(str),
    "macaddr": st.binary(min_size=6, max_size=6).map(bytes.hex),
    "varbit": st.text("01", max_size=20),
    "int4range": st.tuples(st.integers(-9, 0), st.integers(1, 9)).map(lambda ends: f"[{ends[0]},{ends[1]})"),
    "mood": st.sampled_from(["sad", "ok", 'naïve "x"']),
}
ITEMS = sorted(set(SCALARS) - {"numeric", "numeric(50,7)", "json", "jsonb"})
"""An array of JSON texts is one JSON text; the matrix has those."""


@st.composite
def arrays(draw: st.DrawFn, item: Text, dimensions: int) -> str:
    """An array whose sizes are the same everywhere, as they have to be."""
    sizes = [draw(st.integers(1, 3)) for _ in range(dimensions)]

    def part(remaining: list[int]) -> str:
        if not remaining:
            return quoted(draw(st.none() | item))
        return "{" + ",".join(part(remaining[1:]) for _ in range(remaining[0])) + "}"

    return "{}" if draw(st.integers(0, 5)) == 0 else part(sizes)


@dataclass(frozen=True)
class RandomTable:
    """Declared types of the columns `c0`, `c1` and so on; rows of texts or nulls."""

    types: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]

    @property
    def columns(self) -> dict[str, str]:
        return {f"c{number}": declared for number, declared in enumerate(self.types)}

    def make(self, connection: psycopg.Connection, name: str) -> None:
        columns = ", ".join(f"{column} {declared}" for column, declared in self.columns.items())
        connection.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, {columns})")

    def fill(self, connection: psycopg.Connection, name: str) -> None:
        for number, row in enumerate(self.rows):
            values = [sql.SQL("{}::" + of).format(text) for text, of in zip(row, self.types, strict=True)]
            line = sql.SQL(", ").join([sql.Literal(number), *values])
            connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(name), line))


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, Text]:
    """A declared type and values for it."""
    dimensions = draw(st.sampled_from([0, 0, 0, 1, 2]))
    if dimensions == 0:
        declared = draw(st.sampled_from(sorted(SCALARS)))
        return declared, SCALARS[declared]
    declared = draw(st.sampled_from(ITEMS))
    return declared + "[]" * dimensions, arrays(SCALARS[declared], dimensions)


@st.composite
def tables(draw: st.DrawFn) -> RandomTable:
    drawn = draw(st.lists(columns(), min_size=1, max_size=8))
    row = st.tuples(*[st.none() | values for _, values in drawn])
    return RandomTable(tuple(declared for declared, _ in drawn), tuple(draw(st.lists(row, max_size=6))))
