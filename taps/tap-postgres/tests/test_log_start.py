"""Whole tables whose changes are read from the log afterwards: what their bookmarks say of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dativo_protocol.state import State
from dativo_protocol.writer import MessageWriter
from psycopg import sql
from tap_postgres.full_table import FullTable, LogStart
from tap_postgres.run import read_streams
from tap_postgres.snapshot import take_snapshot
from tap_postgres.storage import storage_of
from tap_postgres.tap import PostgresTap

if TYPE_CHECKING:
    from tap_postgres.connections import Connections

    from conftest import Database, Messages

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, v int);
INSERT INTO orders SELECT n, 0 FROM generate_series(1, 4000) n;
"""
SETTINGS: dict[str, Any] = {"chunk_pages": 3, "max_parallelism": 1}


def read(database: Database, connections: Connections, lsn: int, state: Any = None) -> Messages:
    """Read the table at a snapshot that this LSN stands for; its rows say so."""
    settings = database.typed(**SETTINGS)
    tap = PostgresTap(settings)
    (plan,) = tap.plans(tap.discover(), connections)
    schema = plan.arrow_schema.append(pa.field("lsn", pa.int64(), metadata={b"dativo.pg": b"int8"}))
    constant = sql.SQL("{}::pg_catalog.int8").format(sql.Literal(lsn))
    plan = replace(plan, arrow_schema=schema, constants=(constant,))

    def write(out: int) -> None:
        writer = MessageWriter(out)
        with take_snapshot(connections) as snapshot:
            storage, start = storage_of(snapshot.first, plan), LogStart(lsn, {"slot": "s"})
            stream = FullTable(plan, settings, State(state), writer, storage, log=start)
            read_streams([stream], snapshot, settings, writer)

    return database.collect(write)


def bookmark_of(message: dict[str, Any]) -> Any:
    return message["value"]["bookmarks"]["public-orders"]


def test_read_at_once(database: Database, connections: Connections) -> None:
    database.execute(ORDERS)
    outcome = read(database, connections, 700, {"bookmarks": {"public-orders": {"replication_key": "id"}}})
    *under_way, last = map(bookmark_of, outcome.messages("STATE"))
    assert all("replication_key" not in bookmark for bookmark in under_way)
    assert {bookmark["snapshot"]["lsn"] for bookmark in under_way} == {700}
    assert last == {
        "version": outcome.messages("RECORD")[0]["version"],
        "slot": "s",
        "replication_key": "_sdc_lsn",
        "replication_key_value": 700,
    }
    assert {row["lsn"] for row in outcome.records} == {700}


@pytest.mark.parametrize("chunks", [1, 3, None])
def test_interrupted_it_keeps_its_first_place_and_does_not_mend(
    chunks: int | None, database: Database, connections: Connections
) -> None:
    database.execute(ORDERS)
    first = read(database, connections, 700)
    places = [place for place, each in enumerate(first) if each["type"] == "STATE"]
    place = places[-2 if chunks is None else chunks - 1]
    state, first = first[place]["value"], type(first)(first[: place + 1])
    if chunks is None:
        (leaf,) = state["bookmarks"]["public-orders"]["snapshot"]["leaf"].values()
        leaf["done"] = [[0, leaf["pages"]]]
    done = {row["id"] for row in first.records}
    database.execute("UPDATE orders SET v = 1 WHERE id <= 5")
    second = read(database, connections, 900, state)
    assert bookmark_of(second[-1])["replication_key_value"] == 700
    assert bookmark_of(second[-1])["version"] == state["bookmarks"]["public-orders"]["version"]
    if chunks is not None:
        assert {row["lsn"] for row in second.records} == {900}
        # Rows that were moved behind may come again; nothing is looked for on the pages that are done.
        assert {row["id"] for row in second.records} & done <= {1, 2, 3, 4, 5}
        assert {row["id"] for row in second.records} | done == set(range(1, 4001))


def test_a_reading_without_the_log_is_none_to_go_on_with(
    database: Database, connections: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(ORDERS)
    states = [each["value"] for each in database.sync(**SETTINGS).messages("STATE")]
    outcome = read(database, connections, 700, states[0])
    assert sorted(row["id"] for row in outcome.records) == list(range(1, 4001))
    assert "begins anew, another replication method is wanted" in caplog.text
