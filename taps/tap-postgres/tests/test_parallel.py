"""Several readers at one snapshot: every row once, as it was at one moment."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from dativo_protocol.catalog import parse_catalog
from tap_postgres.connections import Connections
from tap_postgres.errors import PostgresError
from tap_postgres.snapshot import import_snapshot, take_snapshot
from tap_postgres.storage import storage_of
from tap_postgres.tap import PostgresTap

if TYPE_CHECKING:
    from conftest import Database

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, customer text);
INSERT INTO orders SELECT n, 'customer ' || n FROM generate_series(1, 5000) n;
"""


def test_chunks_of_a_table_together_are_the_table(database: Database) -> None:
    database.execute(ORDERS + "DELETE FROM orders WHERE id BETWEEN 1000 AND 2000")
    outcome = database.sync(chunk_pages=3, max_parallelism=3)
    assert sorted(row["id"] for row in outcome.records) == [*range(1, 1000), *range(2001, 5001)]
    assert outcome.kinds.count("SCHEMA") == 1
    assert outcome.kinds[-2:] == ["ACTIVATE_VERSION", "STATE"]
    assert len({message["version"] for message in outcome.messages("RECORD")}) == 1
    last = outcome.messages("STATE")[-1]["value"]["bookmarks"]["public-orders"]
    assert set(last) == {"version"}


@pytest.mark.parametrize("readers", [1, 2, 5])
def test_many_streams(readers: int, database: Database) -> None:
    for number in range(6):
        database.execute(
            f"CREATE TABLE t{number} (id int);"
            f" INSERT INTO t{number} SELECT generate_series(1, {number * 400})"
        )
    outcome = database.sync(max_parallelism=readers, chunk_pages=2)
    for number in range(6):
        name = f"public-t{number}"
        of_stream = [message for message in outcome if message.get("stream") == name]
        assert [message["type"] for message in of_stream[:2]] == ["SCHEMA", "ACTIVATE_VERSION"]
        assert of_stream[-1]["type"] == "ACTIVATE_VERSION"
        ids = [message["record"]["id"] for message in of_stream if message["type"] == "RECORD"]
        assert sorted(ids) == list(range(1, number * 400 + 1))
    bookmarks = outcome.messages("STATE")[-1]["value"]["bookmarks"]
    assert set(bookmarks) == {f"public-t{number}" for number in range(6)}


TRANSFER = """
BEGIN;
UPDATE accounts SET balance = balance - 1 WHERE id = 1 + {n} % 5000;
UPDATE accounts SET balance = balance + 1 WHERE id = 5000 - {n} % 5000;
INSERT INTO accounts SELECT -id, balance FROM accounts WHERE id = 1 + {n} * 7 % 5000;
DELETE FROM accounts WHERE id = 1 + {n} * 7 % 5000;
UPDATE accounts SET id = -id WHERE id < 0;
COMMIT
"""


def test_what_others_write_meanwhile_is_not_seen_in_part(database: Database) -> None:
    """Rows are moved between pages and money between rows all the time: both are counted once."""
    database.execute(
        "CREATE TABLE accounts (id int PRIMARY KEY, balance int) WITH (fillfactor = 50);"
        "INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 5000) n"
    )
    catalog = database.catalog()
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        with database.connect() as connection:
            for number in itertools.count():
                connection.execute(TRANSFER.format(n=number))
                begun.set()
                if enough.is_set():
                    return

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        begun.wait(60)
        try:
            outcome = database.sync(catalog, chunk_pages=2, max_parallelism=3)
        finally:
            enough.set()
        writing.result()
    assert sorted(row["id"] for row in outcome.records) == list(range(1, 5001))
    assert sum(row["balance"] for row in outcome.records) == 500_000
    assert len(outcome.messages("STATE")) > 10


def test_sessions_see_what_was_there_when_the_snapshot_was_taken(database: Database) -> None:
    database.execute(ORDERS)
    count = "SELECT count(*) FROM orders"
    with Connections(database.typed()) as connections, take_snapshot(connections) as snapshot:
        database.execute("DELETE FROM orders WHERE id > 10")
        sessions = snapshot.sessions(3)
        database.execute("DELETE FROM orders")
        assert [session.execute(count).fetchone() for session in sessions] == [(5000,)] * 3
    with database.connect(dbname="postgres") as watching:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while watching.execute(query, [database.name]).fetchone() != (0,):
            watching.execute("SELECT pg_sleep(0.02)")


def test_when_no_more_connections_are_allowed_fewer_read(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(ORDERS)
    reader = database.reader("SELECT ON orders")
    catalog = database.catalog(**reader)
    database.execute(f"ALTER ROLE {reader['user']} CONNECTION LIMIT 2")
    # One connection may still be on its way out when the next comes.
    for _ in range(3):
        with database.connect(dbname="postgres") as watching:
            query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
            while watching.execute(query, [reader["user"]]).fetchone() != (0,):
                watching.execute("SELECT pg_sleep(0.02)")
        outcome = database.sync(catalog, chunk_pages=3, max_parallelism=8, **reader)
        assert len(outcome.records) == 5000
    assert "connections: cannot connect to" in caplog.text


@pytest.mark.parametrize("table", ["t", "low", "lowest"])
def test_pages_stay_where_they_are_until_all_were_read(
    table: str, database: Database, connections: Connections
) -> None:
    """Otherwise the rows of chunks that wait would be on pages that were read, or are not."""
    database.execute(FAMILIES["partitioned"])
    catalog = database.catalog()
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] == "public-t"]
    (plan,) = PostgresTap(database.typed()).plans(parse_catalog(catalog), connections)
    with take_snapshot(connections) as snapshot, database.connect() as other:
        storage = storage_of(snapshot.first, plan)
        assert storage is not None
        assert len(storage.leaves) == 2
        other.execute("SET lock_timeout = 1")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(f"TRUNCATE {table}")
    database.execute(f"TRUNCATE {table}")


def test_a_snapshot_that_another_session_exports(database: Database, connections: Connections) -> None:
    database.execute(ORDERS)
    count = "SELECT count(*) FROM orders"
    with database.connect() as other, other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        (name,) = other.execute("SELECT pg_export_snapshot()").fetchone() or ()
        database.execute("DELETE FROM orders")
        with import_snapshot(connections, name) as snapshot:
            sessions = snapshot.sessions(3)
            assert [session.execute(count).fetchone() for session in sessions] == [(5000,)] * 3
    with (
        pytest.raises(PostgresError, match="importing the snapshot: "),
        import_snapshot(connections, name),
    ):
        pass


FAMILIES = {
    "partitioned": """
        CREATE TABLE t (id int, v text) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (2000) PARTITION BY LIST (id);
        CREATE TABLE lowest PARTITION OF low DEFAULT;
        CREATE TABLE "h%i""gh" (v text, id int);
        ALTER TABLE t ATTACH PARTITION "h%i""gh" DEFAULT;
    """,
    "inherited": """
        CREATE TABLE t (id int, v text);
        CREATE TABLE a (more int) INHERITS (t);
        CREATE TABLE b () INHERITS (t);
        CREATE TABLE ab () INHERITS (a, b);
        INSERT INTO ab SELECT n, 'ab' FROM generate_series(5001, 6000) n;
        INSERT INTO a SELECT n, 'a' FROM generate_series(6001, 6500) n;
    """,
    "materialized view": """
        CREATE MATERIALIZED VIEW t AS SELECT n AS id, 'v' AS v FROM generate_series(1, 5000) n;
    """,
    "with row security": """
        CREATE TABLE t (id int, v text);
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    """,
}


@pytest.mark.parametrize("kind", FAMILIES)
def test_families_of_tables(kind: str, database: Database) -> None:
    database.execute(FAMILIES[kind])
    if kind != "materialized view":
        database.execute("INSERT INTO t SELECT n, 'v' FROM generate_series(1, 5000) n")
    catalog = database.catalog()
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] == "public-t"]
    outcome = database.sync(
        catalog, chunk_pages=2, stream_options={"public-t": {"custom_where_clauses": ["t.id > 10"]}}
    )
    last = 6500 if kind == "inherited" else 5000
    assert sorted(row["id"] for row in outcome.records) == list(range(11, last + 1))
    is_divided = kind != "with row security"
    assert (len(outcome.messages("STATE")) > 1) is is_divided


def test_a_partition_that_may_only_be_read_through_its_parent(database: Database) -> None:
    database.execute(FAMILIES["partitioned"] + "INSERT INTO t SELECT generate_series(1, 5000)")
    reader = database.reader("SELECT ON t")
    outcome = database.sync(database.catalog(**reader), chunk_pages=2, **reader)
    assert len(outcome.records) == 5000
    assert len(outcome.messages("STATE")) == 1


def test_rows_that_policies_hide_are_warned_of(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.execute(
        "CREATE TABLE t (id int); CREATE TABLE u (id int); INSERT INTO t VALUES (1), (2);"
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id = 1)"
    )
    assert len(database.sync().records) == 2
    assert "row-level security" not in caplog.text
    reader = database.reader("SELECT ON t", "SELECT ON u")
    assert database.sync(**reader).records == [{"id": 1}]
    (warning,) = [record.getMessage() for record in caplog.records if "row-level security" in record.message]
    assert warning.startswith("public-t: row-level security holds for this user")


def test_a_server_that_breaks_off_one_reader_ends_all(database: Database) -> None:
    database.execute(ORDERS + "CREATE VIEW broken AS SELECT 1 / (id - 4000) AS x FROM orders")
    catalog: dict[str, Any] = database.catalog()
    outcome = database.run(catalog=catalog, max_parallelism=2, chunk_pages=2)
    assert outcome.code == 1
    assert "reading stream 'public-broken': division by zero" in outcome.stderr
    assert "Traceback" not in outcome.stderr
