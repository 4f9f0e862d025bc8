"""What happens to log-based replication when something goes wrong."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.state_file import StateFile
from tap_postgres.acknowledged import Acknowledged
from tap_postgres.connections import Connections
from tap_postgres.tap import PostgresTap
from tap_postgres.wal_budget import WalBudget, WalCost

from tests.services.changes import Follower, position, table, value, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Database

ORDERS = "CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders VALUES (1, 'old')"
STREAM = "public-orders"


@pytest.fixture
def follower(logged: Database) -> Follower:
    """A database whose table has been read."""
    logged.execute(ORDERS)
    follower = Follower(logged)
    follower.run()
    return follower


@contextmanager
def little_wal(database: Database) -> Iterator[None]:
    """Let the server give slots up that hold more WAL than almost none."""
    for statement in ("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()"):
        database.execute(statement)
    try:
        yield
    finally:
        for statement in ("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()"):
            database.execute(statement)


def lose_the_slot(database: Database) -> None:
    with little_wal(database):
        wait_for(database, "current_setting('max_slot_wal_keep_size') = '1MB'")
        for _ in range(3):
            database.execute("SELECT pg_logical_emit_message(false, 'x', 'x')")
            database.execute("SELECT pg_switch_wal()")
        database.execute("CHECKPOINT")
        wait_for(
            database, f"wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = '{database.name}'"
        )


def test_a_lost_slot(follower: Follower) -> None:
    database = follower.database
    database.execute("CREATE TABLE late (id int PRIMARY KEY)")
    lose_the_slot(database)
    database.execute("DELETE FROM orders; INSERT INTO orders VALUES (2, 'new')")
    said = database.refusal(state=follower.state)
    assert f"public-orders: the server has given slot '{database.name}' up" in said
    written = follower.run(on_lost_slot="resnapshot")
    assert follower.rows() == table(database, "orders")
    assert len({message["version"] for message in written.messages("ACTIVATE_VERSION")}) == 2
    follower.after("INSERT INTO orders VALUES (3, 'newer')")
    assert follower.rows() == table(database, "orders")


def test_only_the_affected_tables_are_read_anew(follower: Follower) -> None:
    database = follower.database
    database.execute("CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)")
    follower.run()
    database.execute(
        f"ALTER PUBLICATION {database.name} DROP TABLE other; INSERT INTO other VALUES (2);"
        f"ALTER PUBLICATION {database.name} ADD TABLE other; INSERT INTO orders VALUES (2, 'new')"
    )
    assert "changes are lost of public-other: its table" in database.refusal(state=follower.state)
    written = follower.run(on_lost_slot="resnapshot")
    assert [message["stream"] for message in written.messages("RECORD")] == [
        "public-other",
        "public-other",
        STREAM,
    ]
    assert follower.rows("public-other") == table(database, "other")


def test_a_slot_that_holds_too_much_is_dropped(follower: Follower) -> None:
    database = follower.database
    said = database.refusal(state=follower.state, wal_limit_bytes=1, on_wal_limit="drop_slot")
    assert "beyond `wal_limit_bytes`, and was dropped" in said
    slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
    assert value(database, slots) == 0
    assert f"slot '{database.name}' is gone" in database.refusal(state=follower.state)


def test_budgets(follower: Follower, caplog: pytest.LogCaptureFixture) -> None:
    database = follower.database
    settings = database.typed(wal_warn_bytes=1, wal_limit_bytes=1000, on_wal_limit="stop")
    with Connections(settings) as connections, connections.read("test") as connection:
        budget = WalBudget(connection, database.name, settings)
        assert budget.look().retained > 0
        budget.look()
        assert not budget.must_drop(WalCost(0, 1001))
        assert budget.must_stop(1001)
        assert not budget.must_stop(1000)
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "makes the server keep" in warning.getMessage()


def test_the_server_breaks_off(follower: Follower) -> None:
    database = follower.database
    command = database.command(state=follower.state, break_at_end_lsn=False)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        wait_for(database, "count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'")
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = [line for line in log.splitlines() if "| CRITICAL |" in line]
    assert f"reading from slot '{database.name}': terminating connection" in line
    follower.after("INSERT INTO orders VALUES (2, 'new')")
    assert follower.rows() == table(database, "orders")


def test_a_signal_ends_it_with_a_state(follower: Follower) -> None:
    database = follower.database
    command = database.command(state=follower.state, break_at_end_lsn=False, state_interval_seconds=0)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        wait_for(database, "count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'")
        database.execute("INSERT INTO orders VALUES (2, 'new')")
        assert process.stdout is not None
        lines = []
        while not lines or b'"RECORD"' not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1]
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    messages = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    follower.state = [message["value"] for message in messages if message["type"] == "STATE"][-1]
    follower.messages += messages
    follower.run()
    assert follower.rows() == table(database, "orders")


def test_a_target_that_takes_its_time(follower: Follower) -> None:
    """The server breaks off a connection that it does not hear of, and it is not read on meanwhile."""
    database = follower.database
    database.execute("ALTER TABLE orders ALTER v SET STORAGE EXTERNAL")
    database.execute("INSERT INTO orders SELECT n, repeat('x', 10000) FROM generate_series(2, 4000) n")
    command = database.command(state=follower.state)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(database, "reply_time > backend_start + interval '2 seconds' FROM pg_stat_replication")
        written, log = process.communicate(timeout=120)
    assert process.returncode == 0, log.decode()
    assert written.count(b'"type":"RECORD"') == 3999


def test_a_state_that_is_replaced_during_the_run_is_confirmed(follower: Follower, tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_text(json.dumps(follower.state))
    plans_of = PostgresTap(follower.database.typed())
    with Connections(follower.database.typed()) as connections:
        plans = plans_of.plans(plans_of.discover(), connections)
    system = follower.state["bookmarks"][STREAM]["system"]
    acknowledged = Acknowledged(plans, system, StateFile(path))
    assert acknowledged.look() == 0, "what was known before is learnt of the state itself"
    lsn = position(follower.state, STREAM)
    follower.state["bookmarks"][STREAM]["replication_key_value"] = lsn + 100
    path.with_suffix(".new").write_text(json.dumps(follower.state))
    path.with_suffix(".new").rename(path)
    assert acknowledged.look() == lsn + 100
    path.write_text("{")
    assert acknowledged.look() == lsn + 100
