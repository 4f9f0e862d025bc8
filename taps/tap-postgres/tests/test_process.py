"""The process: its memory, how it ends, and what becomes of its connection."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from dativo_protocol.testing import peak_memory, start

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
