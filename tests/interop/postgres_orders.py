"""The orders as a table of PostgreSQL, in a database of its own, with more types than a CSV file has."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.interop.orders import COLUMNS, ORDERS, Row
from tests.services.postgres import PASSWORD, USER, Postgres

SCHEMA = "shop"
STREAM = "shop-orders"
MORE_COLUMNS = (*COLUMNS, "price", "tags", "extra", "code")
TABLE = f"""
CREATE SCHEMA {SCHEMA};
CREATE TABLE {SCHEMA}.orders (
    id bigint PRIMARY KEY, note text, total double precision, paid boolean, day date, changed_at timestamptz,
    price numeric(12,2), tags text[], extra jsonb, code uuid
);
"""
MORE: list[tuple[Any, ...]] = [
    (Decimal("9999999999.99"), ["a", 'b "c", {d}'], {"deep": [1, {"x": None}]}, uuid.UUID(int=1)),
    (Decimal("-0.07"), [], {}, None),
    (None, None, None, None),
    (Decimal("0.00"), ["東京 🚀"], {"text": 'two\nlines "'}, uuid.UUID(int=2**128 - 1)),
    (Decimal("12.30"), ["", "NULL"], {"n": 1.5}, uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
]
ROWS: list[tuple[Any, ...]] = [(*row, *more) for row, more in zip(ORDERS, MORE, strict=True)]
"""In order of their ids."""


@dataclass(frozen=True)
class Database:
    """A database of the session's server."""

    server: Postgres
    name: str

    @property
    def settings(self) -> dict[str, Any]:
        """To connect as every tap and target for PostgreSQL takes them."""
        where = {"host": "127.0.0.1", "port": self.server.port, "database": self.name}
        return where | {"user": USER, "password": PASSWORD}

    def connect(self) -> psycopg.Connection[Any]:
        given = {"host": "127.0.0.1", "port": self.server.port, "dbname": self.name}
        return psycopg.connect(**given, user=USER, password=PASSWORD, autocommit=True)

    def fill(self) -> None:
        with self.connect() as owner:
            owner.execute(TABLE)
        self.insert(ROWS)

    def insert(self, rows: Sequence[tuple[Any, ...] | Row]) -> None:
        values = ", ".join(["%s"] * len(MORE_COLUMNS))
        with self.connect() as owner:
            owner.cursor().executemany(
                f"INSERT INTO {SCHEMA}.orders VALUES ({values})",
                [[Jsonb(value) if isinstance(value, dict) else value for value in row] for row in rows],
            )

    def rows_of(self, table: str, **casts: str) -> list[tuple[Any, ...]]:
        """All columns in the order of `MORE_COLUMNS`, with expressions in the place of some."""
        columns = ", ".join(casts.get(name, name) for name in MORE_COLUMNS)
        with self.connect() as owner:
            return owner.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()


@contextmanager
def database(server: Postgres, name: str) -> Iterator[Database]:
    """Made empty, gone when the block ends."""
    owner = Database(server, "postgres")
    with owner.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield Database(server, name)
    finally:
        with owner.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
