"""A reading that was interrupted goes on: nothing that is there now is missing or stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tap_postgres.chunks import Pages
from tap_postgres.jobs import Chunk
from tap_postgres.storage import Leaf, Storage
from tap_postgres.table_progress import LeafProgress, TableProgress

if TYPE_CHECKING:
    from conftest import Database, Messages

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
INSERT INTO orders SELECT n, 0 FROM generate_series(1, 4000) n;
"""
CHANGES = """
DELETE FROM orders WHERE id % 10 = 3;
VACUUM orders;
UPDATE orders SET v = 1 WHERE id % 7 = 0;
INSERT INTO orders SELECT n, 2 FROM generate_series(4001, 4500) n;
"""
SETTINGS: dict[str, Any] = {"chunk_pages": 3, "max_parallelism": 1}


def interrupted(database: Database, chunks: int, **settings: Any) -> tuple[Messages, Any]:
    """What a run had written when it ended after so many chunks: its messages, and the last STATE."""
    outcome = database.sync(**SETTINGS | settings)
    places = [place for place, message in enumerate(outcome) if message["type"] == "STATE"]
    place = places[chunks - 1]
    return type(outcome)(outcome[: place + 1]), outcome[place]["value"]


def table_now(database: Database) -> dict[int, int]:
    with database.connect() as connection:
        return dict(connection.execute("SELECT id, v FROM orders").fetchall())


def folded(*runs: Messages) -> dict[int, int]:
    return {row["id"]: row["v"] for run in runs for row in run.records}


def execute_each(database: Database, statements: str) -> None:
    """One transaction each, as VACUUM needs it."""
    for statement in filter(None, map(str.strip, statements.split(";"))):
        database.execute(statement)


@pytest.mark.parametrize("chunks", [1, 3, 5])
def test_nothing_is_missing_or_stale(chunks: int, database: Database) -> None:
    database.execute(ORDERS)
    first, state = interrupted(database, chunks)
    before = table_now(database)
    execute_each(database, CHANGES)
    second = database.sync(state=state, **SETTINGS)
    now, result = table_now(database), folded(first, second)
    assert {key: result.get(key) for key in now} == now
    assert set(result) - set(now) <= set(before), "only what was deleted may be left"
    assert len(second.records) < len(now)


def test_it_goes_on_with_its_version_and_does_not_read_again(database: Database) -> None:
    database.execute(ORDERS)
    first, state = interrupted(database, 3)
    (version,) = {message["version"] for message in first.messages("RECORD")}
    second = database.sync(state=state, **SETTINGS)
    assert second.kinds[:3] == ["STATE", "SCHEMA", "RECORD"]
    assert {message["version"] for message in second.messages("RECORD")} == {version}
    assert second.messages("ACTIVATE_VERSION") == [
        {"type": "ACTIVATE_VERSION", "stream": "public-orders", "version": version}
    ]
    assert sorted(row["id"] for run in (first, second) for row in run.records) == list(range(1, 4001))
    assert second.messages("STATE")[-1]["value"] == {"bookmarks": {"public-orders": {"version": version}}}


def test_interrupted_twice(database: Database) -> None:
    database.execute(ORDERS)
    first, state = interrupted(database, 1)
    execute_each(database, CHANGES)
    second, state = interrupted(database, 3, state=state)
    database.execute("UPDATE orders SET v = 5 WHERE id % 11 = 0")
    third = database.sync(state=state, **SETTINGS)
    now, result = table_now(database), folded(first, second, third)
    assert {key: result.get(key) for key in now} == now


def test_everything_was_read_but_not_said(database: Database) -> None:
    """As when it ended between the last chunk and the last STATE: only what was written since comes."""
    database.execute(ORDERS)
    _, state = interrupted(database, 1)
    (leaf,) = state["bookmarks"]["public-orders"]["snapshot"]["leaf"].values()
    leaf["done"] = [[0, leaf["pages"]]]
    database.execute("UPDATE orders SET v = 9 WHERE id = 17")
    second = database.sync(state=state, **SETTINGS)
    assert second.records[0] == {"id": 17, "v": 9}
    assert second.kinds[-2:] == ["ACTIVATE_VERSION", "STATE"]


def test_partitions(database: Database) -> None:
    database.execute("CREATE TABLE orders (id int, v int) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE a PARTITION OF orders FOR VALUES FROM (0) TO (2000)")
    database.execute("CREATE TABLE b PARTITION OF orders FOR VALUES FROM (2000) TO (4001)")
    database.execute("INSERT INTO orders SELECT n, 0 FROM generate_series(1, 4000) n")
    catalog = database.catalog()
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] == "public-orders"]
    first, state = interrupted(database, 2, catalog=catalog)
    database.execute("CREATE TABLE c PARTITION OF orders FOR VALUES FROM (4001) TO (5000)")
    database.execute("INSERT INTO orders VALUES (4001, 1); UPDATE orders SET v = 3 WHERE id IN (1, 3000)")
    second = database.sync(catalog, state, **SETTINGS)
    assert folded(first, second) == table_now(database)


ANEW = {
    "written anew": "VACUUM FULL orders",
    "shrunk": "DELETE FROM orders WHERE id > 2000; VACUUM orders",
    "truncated": "TRUNCATE orders; INSERT INTO orders VALUES (1, 1)",
}


@pytest.mark.parametrize("change", ANEW)
def test_it_begins_anew_if_pages_are_not_what_they_were(
    change: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(ORDERS)
    _, state = interrupted(database, 3)
    execute_each(database, ANEW[change])
    second = database.sync(state=state, **SETTINGS)
    assert folded(second) == table_now(database)
    assert second.messages("RECORD")[0]["version"] > state["bookmarks"]["public-orders"]["version"]
    assert "public-orders: begins anew, public.orders" in caplog.text


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"resume_full_table": False}, None),
        ({"column_types": {"public-orders": {"v": "text"}}}, "other columns or conditions are selected"),
        (
            {"stream_options": {"public-orders": {"custom_where_clauses": ["v = 0"]}}},
            "other columns or conditions are selected",
        ),
    ],
    ids=["not wanted", "other types", "other conditions"],
)
def test_it_begins_anew_if_something_else_is_wanted(
    settings: dict[str, Any], reason: str | None, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(ORDERS)
    _, state = interrupted(database, 3)
    second = database.sync(state=state, **SETTINGS, **settings)
    assert len(second.records) == 4000
    assert reason is None or reason in caplog.text


def test_rows_without_versions_cannot_go_on_with_one(database: Database) -> None:
    database.execute(ORDERS)
    _, state = interrupted(database, 3, activate_version=False)
    assert "version" not in state["bookmarks"]["public-orders"]
    assert len(database.sync(state=state, **SETTINGS, activate_version=False).records) < 4000
    assert len(database.sync(state=state, **SETTINGS).records) == 4000


@pytest.mark.parametrize(
    "bookmark",
    [
        {},
        {"version": 1, "xmin": "800", "last_replication_method": "FULL_TABLE"},
        {"version": 1, "lsn": 5, "xmin": None, "last_replication_method": "LOG_BASED"},
    ],
    ids=["meltanolabs", "pipelinewise, interrupted", "pipelinewise, another method"],
)
def test_what_another_tap_has_left_behind_is_read_anew(bookmark: dict[str, Any], database: Database) -> None:
    database.execute(ORDERS)
    state = {"bookmarks": {"public-orders": bookmark}, "currently_syncing": "public-orders"}
    outcome = database.sync(state=state, **SETTINGS)
    assert len(outcome.records) == 4000
    last = outcome.messages("STATE")[-1]["value"]["bookmarks"]["public-orders"]
    assert last.pop("version") > 1
    assert last == ({"last_replication_method": "FULL_TABLE"} if bookmark else {})


def test_not_wanted_there_is_nothing_to_go_on_from(database: Database) -> None:
    database.execute(ORDERS)
    outcome = database.sync(**SETTINGS, resume_full_table=False)
    assert len(outcome.messages("STATE")) == 1


PROGRESS = TableProgress(1 << 33, "abc", {"public.t": LeafProgress(7, 10, (Pages(2, 4),))})


def test_progress_survives_a_state() -> None:
    assert TableProgress.parse(PROGRESS.to_dict()) == PROGRESS
    done = PROGRESS.with_done(Chunk("public.t", Pages(4, 6)))
    assert done.leaves["public.t"].done == (Pages(2, 6),)


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        {"by": "key"},
        {**PROGRESS.to_dict(), "leaf": {"t": {}}},
        {**PROGRESS.to_dict(), "xmin": None},
    ],
)
def test_what_is_no_progress(damaged: Any) -> None:
    assert TableProgress.parse(damaged) is None


@pytest.mark.parametrize(("passed", "possible"), [(0, True), (1 << 29, True), (1 << 30, False), (-1, False)])
def test_transactions_since(passed: int, possible: bool, database: Database) -> None:
    from dativo_protocol.catalog import parse_catalog
    from tap_postgres.catalog_reading import plan_stream
    from tap_postgres.discovery import look_up

    database.execute("CREATE TABLE t (id int)")
    settings = database.typed()
    (entry,) = parse_catalog(database.catalog()).streams
    with database.connect() as connection:
        found = {each.table.stream_id: [each] for each in look_up(connection, settings)}
    plan = plan_stream(entry, found, settings)
    leaf = Leaf("public", "t", "public.t", 10, 7)
    fresh = TableProgress.fresh(Storage((leaf,), 1 << 33), plan)
    obstacle = fresh.obstacle(Storage((leaf,), (1 << 33) + passed), plan)
    assert (obstacle is None) is possible
