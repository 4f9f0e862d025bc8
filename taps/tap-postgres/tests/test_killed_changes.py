"""Log-based runs that are killed, wherever: what goes on from the last STATE makes up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.state import State
from tap_postgres.connections import Connections
from tap_postgres.log_setup import set_up
from tap_postgres.publication import Publication
from tap_postgres.slots import patience
from tap_postgres.tap import PostgresTap

from tests.services.changes import Follower, folded, last_state, position, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from conftest import Database, Messages
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

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
        assert by_position([*beginning, *rest]) == now


def by_position(messages: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return rows as whoever reads an append-only table finds them: the newest of each key by `_sdc_lsn`."""
    version = messages[-1]["value"]["bookmarks"][STREAM]["version"]
    records = [it for it in messages if it["type"] == "RECORD" and it["version"] == version]
    return folded(sorted(records, key=lambda it: it["record"]["_sdc_lsn"]), STREAM)


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
