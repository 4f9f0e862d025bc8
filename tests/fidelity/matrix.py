"""The matrix: what becomes of every type and value on its way to Parquet, observed."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
from psycopg import sql

from tests.fidelity.cases import Case
from tests.fidelity.pipeline import Loaded, Source, load, load_changes
from tests.fidelity.returning import differences

TABLE = "every"


@dataclass(frozen=True)
class Line:
    """A type in the matrix, and the values that came back otherwise than expected."""

    case: Case
    singer: dict[str, Any]
    arrow: str
    parquet: str
    wrong: tuple[str, ...]


def make_table(connection: psycopg.Connection[Any], cases: Sequence[Case], made: str) -> None:
    """A column a case."""
    connection.execute(made)
    columns = ", ".join(f"{name} {case.declared}" for name, case in named(cases).items())
    connection.execute(f"CREATE TABLE {TABLE} (id int PRIMARY KEY, {columns})")


def fill_table(connection: psycopg.Connection[Any], cases: Sequence[Case]) -> None:
    """Rows of the values, then of those with policies, then of nulls alone."""
    texts = [[*case.values, *(value for value, *_ in case.policies)] for case in cases]
    casts = [sql.SQL("{}::" + case.declared) for case in cases]
    for number in range(1 + max(len(values) for values in texts)):
        values = [
            cast.format(sql.Literal(each[number] if number < len(each) else None))
            for cast, each in zip(casts, texts, strict=True)
        ]
        row = sql.SQL("INSERT INTO {} VALUES ({})").format(
            sql.Identifier(TABLE), sql.SQL(", ").join([sql.Literal(number + 1), *values])
        )
        connection.execute(row)


def observe(read: Source, cases: Sequence[Case], directory: Path, way: str) -> list[Line]:
    """Load the table and compare it with what is in the database."""
    loaded = load(read, directory, way)
    types = {name: case.declared for name, case in named(cases).items()}
    with read.connect() as connection:
        wrong = differences(connection, TABLE, loaded.table(TABLE), types, policies(cases))
    return [
        _line(loaded, name, case, [f"{old} -> {new}" for _, column, old, new in wrong if column == name])
        for name, case in named(cases).items()
    ]


def wrong_values(
    read: Source, cases: Sequence[Case], made: str, directory: Path, way: str, **settings: Any
) -> list[tuple[str, str | None, str | None]]:
    """Make the table, read it in one of `WAYS` or by the `log`: type, value, what became of it otherwise."""
    types = {name: case.declared for name, case in named(cases).items()}
    with read.connect() as connection:
        make_table(connection, cases, made)
        if way != "log":
            fill_table(connection, cases)
    if way == "log":
        loaded = load_changes(read, directory, lambda connection: fill_table(connection, cases), **settings)
    else:
        loaded = load(read, directory, way, **settings)
    with read.connect() as connection:
        wrong = differences(connection, TABLE, loaded.table(TABLE), types, policies(cases))
    return [(types[column], old, new) for _, column, old, new in wrong]


def named(cases: Sequence[Case]) -> dict[str, Case]:
    return {f"c{number}": case for number, case in enumerate(cases)}


def policies(cases: Sequence[Case]) -> dict[str, str]:
    """What is expected of a column, as an expression over it."""
    return {name: _policy(case) for name, case in named(cases).items() if case.policies}


def _policy(case: Case) -> str:
    branches = [
        f"WHEN {_text(value)}::{case.declared}::text THEN {_text(becomes)}::{case.declared}"
        for value, becomes, _ in case.policies
    ]
    return f"CASE {{0}}::text {' '.join(branches)} ELSE {{0}} END"


def _text(value: str | None) -> str:
    """A literal in a template, where braces are doubled."""
    return "NULL" if value is None else f"'{value}'".replace("{", "{{").replace("}", "}}")


def _line(loaded: Loaded, name: str, case: Case, wrong: list[str]) -> Line:
    table, stream = loaded.table(TABLE), loaded.schemas[f"fidelity-{TABLE}"]
    schema = pq.ParquetFile(loaded.file(TABLE)).schema
    leaves = [schema.column(index) for index in range(len(schema))]
    physical = " + ".join(_physical(leaf) for leaf in leaves if leaf.path.split(".")[0] == name)
    arrow = re.sub(r" \('\w+'\)", "", str(table.schema.field(name).type))  # pyarrow's name of a map's value
    if (table.schema.field(name).metadata or {}).get(b"dativo.json"):
        arrow += ", JSON text"
    return Line(case, stream[name], arrow, physical, tuple(wrong))


def _physical(leaf: Any) -> str:
    logical = json.loads(leaf.logical_type.to_json())["Type"]
    kind = re.sub(r"\(.*", "", str(leaf.physical_type)).lower()
    return kind if logical == "None" else f"{kind} ({logical})"
