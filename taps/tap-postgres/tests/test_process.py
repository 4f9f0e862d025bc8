"""The process: its memory, how it ends, and what becomes of its connection."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

from dativo_protocol.testing import peak_memory, start
from tap_postgres.connections import Connections

if TYPE_CHECKING:
    from conftest import Database

ROWS = 300_000
WIDE = f"""
CREATE VIEW wide AS SELECT n AS id, n * 1.25 AS amount, md5(n::text) || md5((-n)::text) AS text,
    timestamptz 'epoch' + n * interval '1 s' AS at FROM generate_series(1, {ROWS}) n;
"""


def await_no_session(database: Database) -> None:
    """The server notices that a connection has ended a little later than we do."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'tap-postgres/%%' AND datname = %s"
    )
    deadline = time.monotonic() + 60
    with database.connect(dbname="postgres") as connection:
        while connection.execute(query, [database.name]).fetchone() != (0,):
            assert time.monotonic() < deadline
            connection.execute("SELECT pg_sleep(0.02)")


def test_memory_does_not_follow_the_rows(database: Database) -> None:
    """A reading of 120 MB of lines; the libraries themselves take 90 MB."""
    database.execute(WIDE)
    assert peak_memory(database.command(), directory=database.directory) < 200


def test_a_signal_ends_it_with_its_code_and_no_torn_line(database: Database) -> None:
    database.execute(WIDE)
    with start(database.command(), cwd=database.directory) as running:
        running.read_until(b'"RECORD"')
        running.signal(signal.SIGTERM)
        outcome = running.finish(30)
    assert outcome.code == 143
    assert 0 < len(outcome.messages("RECORD")) < ROWS
    assert "stopped by SIGTERM" in outcome.stderr
    assert outcome.messages("STATE") == []
    await_no_session(database)


def test_a_signal_while_the_table_is_locked(database: Database) -> None:
    database.execute("CREATE TABLE locked (id int)")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with database.connect() as other, other.transaction(), database.connect() as watching:
        catalog = database.catalog()
        other.execute("LOCK TABLE locked")
        with start(
            database.command(catalog=catalog, lock_timeout_seconds=0), cwd=database.directory
        ) as running:
            while watching.execute(waiting, [database.name]).fetchone() != (1,):
                watching.execute("SELECT pg_sleep(0.02)")
            running.signal(signal.SIGTERM)
            assert running.finish(30).code == 143
        await_no_session(database)  # although the lock is still there


def test_when_nobody_reads_on_it_ends_at_once_and_quietly(database: Database) -> None:
    database.execute(WIDE)
    with start(database.command(), cwd=database.directory) as running:
        running.read_until(b'"RECORD"')
        running.stop_reading()
        assert running.wait(30) == 3
        assert "Traceback" not in running.stderr()
        assert "CRITICAL" not in running.stderr()
    await_no_session(database)


def test_a_session_that_is_terminated(database: Database) -> None:
    """By an administrator, in the middle of a COPY: one line, and no STATE."""
    database.execute(WIDE)
    with start(database.command(), cwd=database.directory) as running:
        running.read_until(b'"RECORD"')
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tap-postgres/public-wide'"
        )
        outcome = running.finish(30)
    assert outcome.code == 1
    (line,) = [line for line in outcome.stderr.splitlines() if "| CRITICAL |" in line]
    assert "reading stream 'public-wide': terminating connection due to administrator command" in line
    assert outcome.messages("STATE") == []


def test_killed_in_the_middle_it_goes_on(database: Database) -> None:
    database.execute(
        "CREATE TABLE orders (id int, v int) WITH (autovacuum_enabled = off);"
        "INSERT INTO orders SELECT n, 0 FROM generate_series(1, 4000) n"
    )
    settings: dict[str, Any] = {"chunk_pages": 3, "max_parallelism": 2}
    with database.gated("orders", "id < 3000") as gate:
        settings |= gate.settings
        with start(database.command(**settings), cwd=database.directory) as running:
            gate.await_reader()
            running.read_until(b'"done"')
            running.signal(signal.SIGKILL)
            first = running.finish(30)
    assert first.code == -signal.SIGKILL
    state = first.messages("STATE")[-1]["value"]
    assert state["bookmarks"]["public-orders"]["snapshot"]["leaf"]["public.orders"]["done"]
    database.execute("UPDATE orders SET v = 1 WHERE id % 100 = 0; INSERT INTO orders VALUES (5000, 2)")
    second = database.run(state=state, **settings)
    assert second.code == 0, second.stderr
    rows = {
        each["record"]["id"]: each["record"]["v"]
        for run in (first, second)
        for each in run.messages("RECORD")
    }
    with database.connect() as connection:
        assert rows == dict(connection.execute("SELECT id, v FROM orders").fetchall())
    assert {each["version"] for run in (first, second) for each in run.messages("RECORD")} == {
        state["bookmarks"]["public-orders"]["version"]
    }
    assert (
        second.messages("ACTIVATE_VERSION")[-1]["version"] == state["bookmarks"]["public-orders"]["version"]
    )


def test_a_right_that_is_revoked_in_the_middle(database: Database) -> None:
    database.execute("CREATE TABLE a (id int); INSERT INTO a VALUES (1); CREATE TABLE b AS SELECT 2 AS id")
    reader = database.reader("SELECT ON a", "SELECT ON b")
    with database.gated("a", "false") as gate:
        command = database.command(max_parallelism=1, **gate.settings, **reader)
        with start(command, cwd=database.directory) as running:
            gate.await_reader()
            database.execute(f"REVOKE SELECT ON b FROM {reader['user']}")
            gate.open()
            outcome = running.finish(30)
    assert outcome.code == 1
    (line,) = [line for line in outcome.stderr.splitlines() if "| CRITICAL |" in line]
    assert "reading stream 'public-b': permission denied for table b" in line
    assert "Grant the right to the user of the configuration, or deselect what it may not read." in line
    assert [message["record"] for message in outcome.messages("RECORD")] == [{"id": 1}]
    assert set(outcome.messages("STATE")[-1]["value"]["bookmarks"]) == {"public-a"}


def test_a_table_that_is_gone(database: Database) -> None:
    database.execute("CREATE TABLE gone (id int)")
    catalog = database.catalog()
    database.execute("DROP TABLE gone")
    said = database.failure(catalog=catalog)
    assert said.startswith("stream 'public-gone': there is no table 'public-gone'")
    assert said.endswith("Write a fresh catalog with --discover and select its streams again.")


def test_the_server_ends_what_a_killed_tap_left_running(database: Database) -> None:
    """And what a cancel did not stop, since it came before the statement: the protocol loses such a one."""
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        assert connection.execute("SHOW client_connection_check_interval").fetchone() == ("10s",)


def test_an_administrators_limits_for_short_transactions_do_not_hold(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5000);"
        f"ALTER DATABASE {database.name} SET idle_in_transaction_session_timeout = 1"
    )
    assert len(database.sync(chunk_pages=2).records) == 5000
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("0",)


def test_a_statement_that_takes_too_long(database: Database) -> None:
    database.execute("CREATE VIEW slow AS SELECT 1 AS x, pg_sleep(3600)::text AS y")
    said = database.refusal(statement_timeout_seconds=1)
    assert said.startswith("reading stream 'public-slow': canceling statement due to statement timeout")


def test_a_table_that_is_locked(database: Database) -> None:
    database.execute("CREATE TABLE locked (id int)")
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE locked")
        said = database.refusal(lock_timeout_seconds=1)
    assert said.startswith("reading stream 'public-locked': canceling statement due to lock timeout")
