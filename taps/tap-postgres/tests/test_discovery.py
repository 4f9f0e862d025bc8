"""Discovery against a real server: which tables and columns, and what the catalog says of them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from dativo_protocol.catalog import parse_catalog
from dativo_protocol.selection import selected_schema, selected_streams
from tap_postgres.discovery import look_up

from tests.services.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database, NewDatabase

TABLES = """
CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'of no interest';
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer int NOT NULL,
    email text UNIQUE,
    price numeric(12,2),
    gross numeric(12,2) GENERATED ALWAYS AS (price * 1.2) STORED,
    placed_at timestamptz,
    PRIMARY KEY (id) INCLUDE (customer),
    UNIQUE (customer, placed_at)
);
CREATE UNIQUE INDEX partial ON shop.orders (price) WHERE price > 0;
CREATE UNIQUE INDEX computed ON shop.orders (lower(email));
COMMENT ON TABLE shop.orders IS 'What was ordered';
COMMENT ON COLUMN shop.orders.email IS 'of the customer';
INSERT INTO shop.orders (customer) SELECT generate_series(1, 7);
ALTER TABLE shop.orders ADD COLUMN gone int;
ALTER TABLE shop.orders DROP COLUMN gone;
ANALYZE shop.orders;
CREATE VIEW shop.recent AS SELECT * FROM shop.orders;
CREATE MATERIALIZED VIEW shop.totals AS SELECT customer, sum(price) AS total FROM shop.orders GROUP BY 1;
CREATE TABLE parted (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parted_2024 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
"""


@pytest.fixture(scope="module")
def shop_database(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with new_database(tmp_path_factory.mktemp("shop")) as database:
        database.execute(TABLES)
        yield database


@pytest.fixture(scope="module")
def shop(shop_database: Database) -> dict[str, dict[str, Any]]:
    return {entry["tap_stream_id"]: entry for entry in shop_database.catalog()["streams"]}


def of_stream(entry: dict[str, Any]) -> dict[str, Any]:
    return metadata(entry)[()]


def metadata(entry: dict[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(item["breadcrumb"]): item["metadata"] for item in entry["metadata"]}


def test_what_holds_rows_is_found(shop: dict[str, dict[str, Any]]) -> None:
    kinds = {name: (of_stream(entry)["kind"], of_stream(entry)["is-view"]) for name, entry in shop.items()}
    assert kinds == {
        "public-parted": ("partitioned table", False),
        "public-parted_2024": ("table", False),
        "shop-orders": ("table", False),
        "shop-recent": ("view", True),
        "shop-totals": ("materialized view", False),
    }


def test_what_is_said_of_a_table(shop: dict[str, dict[str, Any]], shop_database: Database) -> None:
    assert of_stream(shop["shop-orders"]) == {
        "inclusion": "available",
        "selected-by-default": True,
        "table-key-properties": ["id"],
        "valid-replication-keys": ["id", "customer", "price", "gross", "placed_at"],
        "schema-name": "shop",
        "database-name": shop_database.name,
        "table-name": "orders",
        "is-view": False,
        "kind": "table",
        "row-count": 7,
        "comment": "What was ordered",
        "unique-keys": [["email"], ["customer", "placed_at"]],
    }


def test_what_is_said_of_columns(shop: dict[str, dict[str, Any]]) -> None:
    said = metadata(shop["shop-orders"])
    available = {"inclusion": "available", "selected-by-default": True}
    assert said["properties", "id"] == {
        "inclusion": "automatic",
        "selected-by-default": True,
        "sql-datatype": "bigint",
        "identity": True,
    }
    assert said["properties", "price"] == available | {"sql-datatype": "numeric(12,2)"}
    assert said["properties", "gross"] == available | {"sql-datatype": "numeric(12,2)", "generated": True}
    assert said["properties", "email"] == available | {"sql-datatype": "text", "comment": "of the customer"}
    assert ("properties", "gone") not in said


def test_keys(shop: dict[str, dict[str, Any]]) -> None:
    keys = {name: entry["key_properties"] for name, entry in shop.items()}
    assert keys == {
        "public-parted": ["id", "day"],
        "public-parted_2024": ["id", "day"],
        "shop-orders": ["id"],
        "shop-recent": [],
        "shop-totals": [],
    }


def test_partitions_are_not_read_twice_by_default(shop: dict[str, dict[str, Any]]) -> None:
    chosen = selected_streams(parse_catalog({"streams": list(shop.values())}))
    assert {entry.tap_stream_id for entry in chosen} == shop.keys() - {"public-parted_2024"}


@pytest.mark.parametrize("form", [["shop", "absent"], "shop, absent"], ids=["list", "text"])
def test_only_some_schemas(form: Any, shop_database: Database) -> None:
    ids = [entry["tap_stream_id"] for entry in shop_database.catalog(filter_schemas=form)["streams"]]
    assert ids == ["shop-orders", "shop-recent", "shop-totals"]


NAMES = ['a"b', "ü", "select", "with space", "n" * 63, "per%cent", "brace{}", "semi;--", "UPPER"]


def test_any_name_that_the_server_allows(database: Database) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES]
    database.execute("; ".join(f"CREATE TABLE {name} (id int PRIMARY KEY, {name} int)" for name in quoted))
    entries = {entry["tap_stream_id"]: entry for entry in database.catalog()["streams"]}
    assert entries.keys() == {f"public-{name}" for name in NAMES}
    for name in NAMES:
        assert list(entries[f"public-{name}"]["schema"]["properties"]) == ["id", name]


def test_two_tables_with_one_id(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.execute(
        'CREATE SCHEMA "a-b"; CREATE SCHEMA a; CREATE TABLE a."b-c" (i int); CREATE TABLE "a-b".c ()'
    )
    database.execute('ALTER TABLE "a-b".c ADD COLUMN j int')
    with caplog.at_level(logging.WARNING):
        (entry,) = database.catalog()["streams"]
    assert of_stream(entry)["schema-name"] == "a"
    assert "a-b-c: left out, another table has the same id" in caplog.text


def test_of_two_tables_with_one_id_the_one_in_the_catalog_is_read(database: Database) -> None:
    database.execute(
        'CREATE SCHEMA "a-b"; CREATE SCHEMA a; CREATE TABLE a."b-c" (i int); CREATE TABLE "a-b".c (i int);'
        'INSERT INTO a."b-c" VALUES (1); INSERT INTO "a-b".c VALUES (2)'
    )
    for schema, row in (("a", 1), ("a-b", 2)):
        catalog = database.catalog(filter_schemas=[schema])
        assert database.sync(catalog, filter_schemas=[schema]).records == [{"i": row}]


class DroppedBetween(psycopg.Connection[Any]):
    """Somebody else drops the table after the first question about it."""

    other: psycopg.Connection[Any] | None = None

    def execute(self, query: Any, *given: Any, **more: Any) -> Any:
        cursor = super().execute(query, *given, **more)
        if self.other is not None and "pg_index" in str(query):
            self.other.execute("DROP TABLE t; DROP TYPE mood")
        return cursor


def test_a_table_that_is_dropped_meanwhile(database: Database) -> None:
    database.execute("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (id int PRIMARY KEY, m mood)")
    with database.connect() as other, DroppedBetween.connect(other.info.dsn, password=PASSWORD) as connection:
        connection.autocommit = True
        connection.other = other
        assert look_up(connection, database.typed())[0].mapped == {}


def test_columns_that_cannot_be_read(database: Database) -> None:
    database.execute("""
        CREATE TABLE mixed (id int PRIMARY KEY, open text, closed text);
        CREATE TABLE closed (id int);
        CREATE SCHEMA shut; CREATE TABLE shut.t (id int);
    """)
    reader = database.reader("SELECT (id, open) ON mixed", "SELECT ON shut.t")
    (entry,) = database.catalog(**reader)["streams"]
    assert entry["tap_stream_id"] == "public-mixed"
    said = metadata(entry)
    assert {crumb[-1]: values["inclusion"] for crumb, values in said.items() if crumb} == {
        "id": "automatic",
        "open": "available",
        "closed": "unsupported",
    }
    chosen = selected_schema(parse_catalog({"streams": [entry]}).streams[0])
    assert list(chosen["properties"]) == ["id", "open"]


def test_a_key_that_cannot_be_read_is_none(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, open text)")
    (entry,) = database.catalog(**database.reader("SELECT (open) ON t"))["streams"]
    assert entry["key_properties"] == []
    assert "required" not in entry["schema"]


def test_a_thousand_tables(database: Database) -> None:
    """It takes 0.3 s of CPU time; ten times that allows for a slow machine."""
    columns = ", ".join(f"c{number} int" for number in range(10))
    database.execute("; ".join(f"CREATE TABLE t{number} (id int, {columns})" for number in range(1000)))
    before = time.process_time()
    assert len(database.catalog()["streams"]) == 1000
    assert time.process_time() - before < 3
