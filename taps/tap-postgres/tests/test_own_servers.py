"""What needs servers of its own: one that restarts and prepares transactions, and one that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import start

from tests.services.postgres import PASSWORD, USER, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Database, MakeDatabase

ROWS = 4000
ORDERS = f"""
CREATE TABLE orders (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
INSERT INTO orders SELECT n, 0 FROM generate_series(1, {ROWS}) n;
"""


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    made = Postgres(("max_prepared_transactions=4",))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def database(primary: Postgres, make_database: MakeDatabase, tmp_path: Path) -> Iterator[Database]:
    with make_database(primary, tmp_path) as made:
        yield made


def by(database: Database, key: str, **settings: Any) -> dict[str, Any]:
    catalog = database.catalog(**settings)
    for entry in catalog["streams"]:
        entry |= {"replication_method": "INCREMENTAL", "replication_key": key}
    return catalog


def test_a_server_that_restarts_in_the_middle(primary: Postgres, database: Database) -> None:
    """One clear line, and the next run goes on from the last STATE."""
    database.execute(ORDERS)
    settings: dict[str, Any] = {"chunk_pages": 3, "max_parallelism": 2}
    with database.gated("orders", "id < 3000") as gate:
        settings |= gate.settings
        with start(database.command(**settings), cwd=database.directory) as running:
            gate.await_reader()
            primary.restart()
            first = running.finish(60)
    assert first.code == 1
    (line,) = [line for line in first.stderr.splitlines() if "| CRITICAL |" in line]
    assert "reading stream 'public-orders': " in line
    assert line.endswith("Run again with the last STATE, from which it goes on.")
    state = first.messages("STATE")[-1]["value"]
    second = database.run(state=state, **settings)
    assert second.code == 0, second.stderr
    runs = [[each["record"]["id"] for each in run.messages("RECORD")] for run in (first, second)]
    assert {*runs[0], *runs[1]} == set(range(1, ROWS + 1))
    assert len(runs[1]) < ROWS - 1000


def test_a_server_that_is_away(database: Database) -> None:
    database.execute("CREATE TABLE t (id int)")
    catalog = database.catalog()
    said = database.failure(catalog=catalog, port=1)
    assert said.startswith("cannot connect to 127.0.0.1:1: ")


def test_a_prepared_transaction_holds_bookmarks_back(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """It began some time before it was prepared: nobody can say when, so nothing is passed by."""
    database.execute("CREATE TABLE t (id int, at timestamptz); INSERT INTO t VALUES (1, '2024-01-01')")
    catalog = by(database, "at")
    database.execute("BEGIN; INSERT INTO t VALUES (2, now() - interval '1 day'); PREPARE TRANSACTION 'two'")
    first = database.sync(catalog, late_commits="oldest_transaction")
    assert [row["id"] for row in first.records] == [1]
    assert "a prepared transaction is open" in caplog.text
    assert all("replication_key" not in str(each["value"]) for each in first.messages("STATE"))
    database.execute("COMMIT PREPARED 'two'")
    second = database.sync(catalog, late_commits="oldest_transaction")
    assert [row["id"] for row in second.records] == [1, 2]
    last = second.messages("STATE")[-1]["value"]["bookmarks"]["public-t"]
    assert last["replication_key_value"] == second.records[-1]["at"]


@pytest.fixture(scope="module")
def standby(primary: Postgres) -> Iterator[Postgres]:
    """A server that follows the other one."""
    made = Postgres()
    made.prepare()
    place = f"host=127.0.0.1 port={primary.port} user={USER} password={PASSWORD}"
    made.do("pg_basebackup", "-d", place, "-D", str(made.directory / "data"), "-R", "-c", "fast", "--no-sync")
    made.options = primary.options
    made.launch()
    yield made
    made.stop()


def await_replay(primary: Database, standby: Postgres) -> None:
    on_standby = primary.connect(port=standby.port, dbname="postgres")  # the database may not be there yet
    with primary.connect() as on_primary, on_standby:
        (lsn,) = on_primary.execute("SELECT pg_current_wal_lsn()").fetchone() or ()
        query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while on_standby.execute(query, [lsn]).fetchone() != (True,):
            on_standby.execute("SELECT pg_sleep(0.02)")


def test_tables_are_read_from_the_standby(database: Database, standby: Postgres) -> None:
    database.execute(ORDERS)
    await_replay(database, standby)
    given = {"use_secondary": "true", "secondary_host": "127.0.0.1", "secondary_port": str(standby.port)}
    with database.connect(port=standby.port) as on_standby:
        on_standby.execute("SELECT pg_wal_replay_pause()")
        while on_standby.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
            on_standby.execute("SELECT pg_sleep(0.02)")
        database.execute("INSERT INTO orders VALUES (0, 0)")
        try:
            outcome = database.sync(chunk_pages=3, **given)
            by_key = by(database, "id", **given)
            assert len(database.sync(by_key, late_commits="xmin", **given).records) == ROWS
            said = database.refusal(by_key, late_commits="oldest_transaction", **given)
        finally:
            on_standby.execute("SELECT pg_wal_replay_resume()")
    assert sorted(row["id"] for row in outcome.records) == list(range(1, ROWS + 1))
    assert len(outcome.messages("STATE")) > 1
    assert "a standby does not know the oldest transaction Choose `xmin`" in said


def test_a_standby_that_is_not_named(database: Database) -> None:
    assert "secondary_host: is required with `use_secondary`" in database.refusal(use_secondary=True)


def test_a_standby_that_is_away(database: Database) -> None:
    said = database.unreachable(use_secondary=True, secondary_host="127.0.0.1", secondary_port=1)
    assert said.startswith("cannot connect to 127.0.0.1:1: ")
