"""Log-based runs that are killed, wherever: what goes on from the last STATE makes up for it."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.state import State
from tap_postgres.connections import Connections
from tap_postgres.log_setup import set_up
from tap_postgres.publication import Publication
from tap_postgres.slots import patience
from tap_postgres.tap import PostgresTap

from tests.services.changes import Follower, by_position, folded, last_state, position, table, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

    from conftest import Database, Messages

STREAM = "public-orders"
ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);
INSERT INTO orders SELECT n, 'old' FROM generate_series(1, 1000) n;
"""
CHANGES = """
UPDATE orders SET v = 'new' WHERE id % 7 = 0;
DELETE FROM orders WHERE id % 10 = 3;
UPDATE orders SET id = id + 10000 WHERE id % 100 = 1;
INSERT INTO orders SELECT n, 'newer' FROM generate_series(5001, 5050) n
"""
SETTINGS: dict[str, Any] = {"chunk_pages": 2, "max_parallelism": 1, "state_interval_seconds": 0}


class Beginning:
    """The steps of a run before its first message, each of which it may be killed after."""

    def __init__(
        self,
        connections: Connections,
        control: psycopg.Connection[Any],
        settings: TapPostgresSettings,
        plans: list[StreamPlan],
    ) -> None:
        self.connections = connections
        self.control = control
        self.settings = settings
        self.plans = plans

    def publication(self) -> None:
        Publication(self.control, str(self.settings.replication_slot_name), self.settings).ensure(self.plans)

    def slot(self) -> None:
        set_up(self.plans, self.connections, self.control, self.settings, State())

    def temporary_slot(self) -> None:
        self.slot()
        with self.connections.replication("test") as session:
            session.export_snapshot(patience(self.control, self.settings))


@pytest.mark.parametrize("step", [Beginning.publication, Beginning.slot, Beginning.temporary_slot])
def test_before_the_first_message(logged: Database, step: Callable[[Beginning], None]) -> None:
    logged.execute(ORDERS)
    settings = logged.typed(**SETTINGS)
    tap = PostgresTap(settings)
    with Connections(settings) as connections, connections.read("test") as control:
        step(Beginning(connections, control, settings, tap.plans(tap.discover(), connections)))
    execute_each(logged, CHANGES)
    follower = Follower(logged, **SETTINGS)
    follower.run()
    follower.after("INSERT INTO orders VALUES (3, 'last')")
    assert follower.rows() == table(logged, "orders")


def execute_each(database: Database, statements: str) -> None:
    """One transaction each."""
    for statement in statements.split(";"):
        database.execute(statement)


def cuts(written: Messages) -> Iterator[list[dict[str, Any]]]:
    """Yield what a target may have got of a run that was killed: up to a STATE, and somewhat more."""
    places = [place for place, message in enumerate(written) if message["type"] == "STATE"]
    for place, following in zip(places, [*places[1:], len(written)], strict=True):
        yield written[: place + 1]
        yield written[: (place + 1 + following) // 2]


def test_in_the_first_reading(logged: Database) -> None:
    logged.execute(ORDERS)
    first = logged.sync(**SETTINGS)
    execute_each(logged, CHANGES)
    now = table(logged, "orders")
    beginnings = list(cuts(first))
    assert len(beginnings) > 6, "several chunks"
    for beginning in beginnings:
        rest = logged.sync(state=last_state(beginning), **SETTINGS)
        assert folded([*beginning, *rest], STREAM) == now
        assert by_position([*beginning, *rest], STREAM) == now


def test_while_changes_are_read(logged: Database) -> None:
    logged.execute(ORDERS)
    follower = Follower(logged, **SETTINGS)
    follower.run()
    loaded, given = list(follower.messages), follower.state
    execute_each(logged, CHANGES)
    written = logged.sync(state=given, **SETTINGS)
    assert len(written.messages("STATE")) > 4, "one for each transaction"
    now = table(logged, "orders")
    for beginning in cuts(written):
        rest = logged.sync(state=last_state(beginning), **SETTINGS)
        assert folded([*loaded, *beginning, *rest], STREAM) == now
    assert follower.confirmed() == max(position(last_state(it), STREAM) for it in cuts(written))


def test_a_transaction_that_is_open_at_the_snapshot(logged: Database) -> None:
    """It has written before the position of the snapshot, and commits behind it.

    The server waits for those that were open when it began, and for those that were open then; the third is
    neither in the snapshot nor ended.
    """
    logged.execute("CREATE TABLE other (id int PRIMARY KEY)")
    follower = Follower(logged, max_parallelism=1)
    follower.run()
    logged.execute(ORDERS)
    with ExitStack() as stack:
        sessions = [stack.enter_context(closing(logged.connect())) for _ in range(3)]
        reading = threading.Thread(target=follower.run)
        waits = [begin(sessions[0], 1)]
        reading.start()
        for number in (1, 2):
            wait_for(
                logged, f"count(*) > 0 FROM pg_locks WHERE NOT granted AND transactionid = '{waits[-1]}'"
            )
            waits.append(begin(sessions[number], number + 1))
            sessions[number - 1].execute("COMMIT")
        reading.join(60)
        assert not reading.is_alive()
        assert follower.rows()[3]["v"] == "old"
        sessions[2].execute("COMMIT")
    follower.run()
    now = table(logged, "orders")
    assert [now[number]["v"] for number in (1, 2, 3)] == ["of 1", "of 2", "of 3"]
    assert follower.rows() == now
    assert by_position(follower.messages, STREAM) == now


def begin(session: psycopg.Connection[Any], number: int) -> str:
    """Change a row in a transaction that stays open; returns its number."""
    session.execute("BEGIN")
    session.execute("UPDATE orders SET v = %s WHERE id = %s", [f"of {number}", number])
    row = session.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
    assert row is not None
    return str(row[0])
