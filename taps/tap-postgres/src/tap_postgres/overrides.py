"""Types that a user gives single columns: the server casts, so that nothing is lost without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_protocol.errors import ConfigError

from tap_postgres.forms import (
    BOOL,
    DATE,
    FLOAT8,
    INT8,
    JSON,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Form,
    numeric_form,
)

if TYPE_CHECKING:
    from psycopg import sql

    from tap_postgres.pg_types import PgType

_CASTS: dict[str, tuple[Form, str]] = {
    "text": (TEXT, "text"),
    "string": (TEXT, "text"),
    "boolean": (BOOL, "bool"),
    "integer": (INT8, "int8"),
    "number": (FLOAT8, "float8"),
    "date": (DATE, "date"),
    "time": (TIME, "time"),
    "timestamp": (TIMESTAMP, "timestamp"),
    "date-time": (TIMESTAMPTZ, "timestamptz"),
}
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)")
_MOST_DIGITS = 38


def cast_to(name: str, column: sql.Identifier, type_: PgType) -> tuple[Form, sql.Composable]:
    """Return the form of the type called `name`, and the expression that makes it of a column.

    Raises:
        ConfigError: there is no such type.
    """
    from psycopg import sql

    if name == "json":
        return JSON, _json(column, type_)
    form, to = _decimal(name) or _CASTS.get(name) or _refuse(name)
    return form, sql.SQL("{}::pg_catalog.{}").format(column, sql.Identifier(to))


def _json(column: sql.Identifier, type_: PgType) -> sql.Composable:
    """Text is taken to be JSON; anything else is turned into it."""
    from psycopg import sql

    is_text = type_.name in ("json", "jsonb", "text", "varchar", "bpchar", "citext")
    form = sql.SQL("{}::pg_catalog.json") if is_text else sql.SQL("pg_catalog.to_json({})")
    return form.format(column)


def _decimal(name: str) -> tuple[Form, str] | None:
    match = _DECIMAL.fullmatch(name)
    if match is None:
        return None
    precision, scale = int(match[1]), int(match[2] or 0)
    if not (1 <= precision <= _MOST_DIGITS and scale <= precision):
        return _refuse(name)
    return numeric_form(precision, scale), "numeric"


def _refuse(name: str) -> tuple[Form, str]:
    problem = f"column_types: {name!r} is no type"
    known = ", ".join([*_CASTS, "json", "decimal(p,s)"])
    raise ConfigError(f"configuration has 1 problem: {problem}", [problem], instruction=f"Types are {known}.")
