"""INCREMENTAL: what is new comes, in order, and a run goes on where the last one ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.catalog import parse_catalog
from psycopg import sql
from tap_postgres.connections import Connections
from tap_postgres.key_index import warn_of_scans
from tap_postgres.key_ranges import KeyRange, statements
from tap_postgres.tap import PostgresTap

if TYPE_CHECKING:
    from conftest import Database, Messages

EVENTS = """
CREATE TABLE events (id int PRIMARY KEY, at timestamptz(3), other text);
INSERT INTO events SELECT n, '2024-01-01T00:00:00Z'::timestamptz + n * interval '1 min', 'x'
    FROM generate_series(1, 5) n;
"""


def by(database: Database, key: str, **settings: Any) -> dict[str, Any]:
    catalog = database.catalog(**settings)
    for entry in catalog["streams"]:
        entry |= {"replication_method": "INCREMENTAL", "replication_key": key}
    return catalog


def state_of(outcome: Messages) -> Any:
    return outcome.messages("STATE")[-1]["value"]


def ids(outcome: Messages) -> list[int]:
    return [row["id"] for row in outcome.records]


def test_twice(database: Database) -> None:
    database.execute(EVENTS)
    catalog = by(database, "at")
    first = database.sync(catalog)
    assert first.messages("SCHEMA")[0]["bookmark_properties"] == ["at"]
    assert first.messages("ACTIVATE_VERSION") == []
    assert ids(first) == [1, 2, 3, 4, 5]
    assert state_of(first) == {
        "bookmarks": {
            "public-events": {"replication_key": "at", "replication_key_value": "2024-01-01T00:05:00+00:00"}
        }
    }
    database.execute(
        "INSERT INTO events VALUES (6, '2024-01-01T00:05Z'), (7, '2024-01-02'), (8, '2023-01-01')"
    )
    second = database.sync(catalog, state_of(first))
    assert sorted(ids(second)) == [5, 6, 7]
    assert second.records[-1]["id"] == 7
    third = database.sync(catalog, state_of(second))
    assert ids(third) == [7]
    assert state_of(third) == state_of(second)


VALUES = {
    "bigint": ["-5", "3", "9007199254740993"],
    "numeric(30,10)": ["-1.5", "9.5", "12345678901234567890.0123456789"],
    "numeric": ["9.50", "10.5", "1e30"],
    "date": ["2023-12-31", "2024-01-05", "2024-02-29"],
    "timestamp": ["2024-01-01 10:00", "2024-01-01 10:00:00.000001", "2024-01-01 10:00:00.123456"],
    "timestamptz": ["2024-01-01 10:00+02", "2024-01-01 10:00Z", "2024-01-01 10:00:00.123456Z"],
    "double precision": ["-0.1", "0.1", "1e300"],
    'text COLLATE "C"': ["A", "a'b", "ü"],
    "bytea": ["abc", r"\x7faa", r"\xff00"],
    "uuid": [f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 9)],
}


@pytest.mark.parametrize("type_", VALUES)
def test_keys_are_exact(type_: str, database: Database) -> None:
    """The last row alone comes again, so its value went through a STATE unharmed."""
    database.execute(f'CREATE TABLE "T x" (id int, "K%" {type_})')
    with database.connect() as connection:
        connection.cursor().executemany(
            'INSERT INTO "T x" VALUES (%s, %s)', [(n, value) for n, value in enumerate(VALUES[type_])]
        )
    catalog = by(database, "K%")
    first = database.sync(catalog)
    assert ids(first) == [0, 1, 2]
    assert ids(database.sync(catalog, state_of(first))) == [2]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("unique", [True, False])
def test_strict_only_where_the_key_is_unique(strict: bool, unique: bool, database: Database) -> None:
    database.execute("CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 1), (2, 2)")
    if unique:
        database.execute("CREATE UNIQUE INDEX ON t (n)")
    catalog = by(database, "n")
    state = state_of(database.sync(catalog))
    database.execute("INSERT INTO t VALUES (3, 3)")
    rows = ids(database.sync(catalog, state, replication_key_strict=strict))
    assert rows == ([3] if strict and unique else [2, 3])


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_rows_without_a_key_come_first_and_once(kind: str, database: Database) -> None:
    database.execute(EVENTS + "INSERT INTO events VALUES (6, NULL)")
    catalog = by(database, "at")
    if kind == "VIEW":
        database.execute("ALTER TABLE events RENAME TO e; CREATE VIEW events AS SELECT * FROM e")
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] == "public-events"]
    first = database.sync(catalog)
    assert ids(first) == [6, 1, 2, 3, 4, 5]
    assert ids(database.sync(catalog, state_of(first))) == [5]


def test_only_rows_without_a_key(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, at date); INSERT INTO t VALUES (1, NULL)")
    catalog = by(database, "at")
    first = database.sync(catalog)
    assert ids(first) == [1]
    assert ids(database.sync(catalog, state_of(first))) == [1]


def test_a_start_date(database: Database) -> None:
    database.execute(EVENTS + "INSERT INTO events VALUES (6, NULL)")
    catalog = by(database, "at")
    first = database.sync(catalog, start_date="2024-01-01T00:04:00Z")
    assert ids(first) == [4, 5]
    assert ids(database.sync(catalog, state_of(first), start_date="2024-01-01T00:04:00Z")) == [5]
    assert ids(database.sync(by(database, "id"), start_date="2024-01-01T00:04:00Z")) == [1, 2, 3, 4, 5, 6]


def test_a_domain_over_a_time_is_one(database: Database) -> None:
    database.execute("CREATE DOMAIN moment AS timestamptz; " + EVENTS.replace("timestamptz(3)", "moment"))
    catalog = by(database, "at")
    first = database.sync(catalog, start_date="2024-01-01T00:04:00Z")
    assert ids(first) == [4, 5]
    assert ids(database.sync(catalog, state_of(first), lookback_seconds=120)) == [3, 4, 5]


def test_looking_back_never_takes_the_bookmark_back(database: Database) -> None:
    database.execute(EVENTS)
    catalog = by(database, "at")
    first = database.sync(catalog, lookback_seconds=120)
    assert ids(first) == [1, 2, 3, 4, 5]
    second = database.sync(catalog, state_of(first), lookback_seconds=120, batch_rows=1)
    assert ids(second) == [3, 4, 5]
    assert [state["value"] for state in second.messages("STATE")] == [state_of(first)]
    database.execute("DELETE FROM events WHERE id > 3")
    assert state_of(database.sync(catalog, state_of(first), lookback_seconds=120)) == state_of(first)


def test_a_state_after_each_batch_is_one_to_go_on_from(database: Database) -> None:
    database.execute(EVENTS + "UPDATE events SET at = '2024-01-01T00:03Z' WHERE id IN (2, 3, 4)")
    catalog = by(database, "at")
    outcome = database.sync(catalog, batch_rows=2)
    seen: list[int] = []
    states = 0
    for message in outcome:
        if message["type"] == "RECORD":
            seen.append(message["record"]["id"])
        elif message["type"] == "STATE":
            states += 1
            rest = ids(database.sync(catalog, message["value"]))
            assert {*seen, *rest} == {1, 2, 3, 4, 5}
    assert states == 2  # two of the three batches end with the same value


@pytest.mark.parametrize("as_text", [True, False])
def test_the_end_of_time_is_no_bookmark(as_text: bool, database: Database) -> None:
    database.execute(EVENTS + "INSERT INTO events VALUES (6, 'infinity'), (7, '-infinity')")
    catalog = by(database, "at")
    first = database.sync(catalog, dates_as_string=as_text)
    assert ids(first) == [7, 1, 2, 3, 4, 5, 6]
    database.execute("INSERT INTO events VALUES (8, '2024-06-01')")
    second = database.sync(catalog, state_of(first), dates_as_string=as_text, lookback_seconds=60)
    assert ids(second) == [4, 5, 8, 6]
    assert str(state_of(second)["bookmarks"]["public-events"]["replication_key_value"])[:10] == "2024-06-01"


def test_the_key_comes_even_if_deselected_and_is_sorted_by_as_it_is(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 10), (2, 9), (3, 100)")
    catalog = by(database, "n")
    catalog["streams"][0]["metadata"][2]["metadata"]["selected"] = False
    first = database.sync(catalog, column_types={"public-t": {"n": "text"}})
    assert first.records == [{"id": 2, "n": "9"}, {"id": 1, "n": "10"}, {"id": 3, "n": "100"}]
    assert ids(database.sync(catalog, state_of(first), column_types={"public-t": {"n": "text"}})) == [3]


LIMITS = {"max_record_count": 2, "limit": "2"}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("strict", [True, False])
def test_a_limit_cuts_each_run_and_the_next_goes_on(name: str, strict: bool, database: Database) -> None:
    database.execute(EVENTS + "CREATE UNIQUE INDEX ON events (at)")
    catalog = by(database, "at")
    state, runs = None, []
    for _ in range(4):
        outcome = database.sync(catalog, state, replication_key_strict=strict, **{name: LIMITS[name]})
        state = state_of(outcome)
        runs.append(ids(outcome))
    assert runs == ([[1, 2], [3, 4], [5], []] if strict else [[1, 2], [2, 3, 4], [4, 5], [5]])


def test_a_limit_that_many_rows_with_one_key_exceed(database: Database) -> None:
    database.execute(EVENTS + "UPDATE events SET at = '2024-01-01'; INSERT INTO events VALUES (6, now())")
    catalog = by(database, "at")
    first = database.sync(catalog, limit=2)
    assert len(first.records) == 2
    second = database.sync(catalog, state_of(first), limit=2)
    assert sorted(ids(second)) == [1, 2, 3, 4, 5, 6]
    looking_back = database.sync(catalog, state_of(second), limit=1, lookback_seconds=5)
    assert ids(looking_back) == [6]


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_limit_and_rows_without_a_key(kind: str, database: Database) -> None:
    database.execute(EVENTS + "UPDATE events SET at = NULL WHERE id < 4")
    catalog = by(database, "at")
    if kind == "VIEW":
        database.execute("ALTER TABLE events RENAME TO e; CREATE VIEW events AS SELECT * FROM e")
    first = database.sync(catalog, limit=1)
    assert sorted(ids(first)) == [1, 2, 3, 4]
    assert ids(database.sync(catalog, state_of(first), limit=1)) == [4, 5]


def test_an_index_serves_the_order(database: Database) -> None:
    """Else the whole rest of a table would be sorted before the first row comes."""
    database.execute(
        "CREATE TABLE t (id int, at timestamptz, v text);"
        "INSERT INTO t SELECT n, timestamptz 'epoch' + n * interval '1 s', repeat('x', 100)"
        " FROM generate_series(1, 20000) n; CREATE INDEX ON t (at); ANALYZE t"
    )
    rows = KeyRange(sql.Identifier("t", "at"))
    with Connections(database.typed()) as connections, database.connect() as connection:
        tap = PostgresTap(database.typed())
        (plan,) = tap.plans(parse_catalog(by(database, "at")), connections)
        start = sql.SQL("{} >= '1970-01-01 05:00:00+00'").format(rows.key)
        for each in (
            *statements(plan, rows, (), None)[1:],
            *statements(plan, replace(rows, start=start), (), None),
        ):
            select = each.as_string(connection).removeprefix("COPY (").partition(") TO STDOUT")[0]
            lines = connection.execute(f"EXPLAIN {select} LIMIT 1000").fetchall()
            assert any("Index Scan" in line for (line,) in lines)
            assert not any("Sort" in line for (line,) in lines)


@pytest.mark.parametrize(
    ("index", "is_served"),
    [
        ("", False),
        ("CREATE INDEX ON t (at)", True),
        ("CREATE INDEX ON t (at, id)", True),
        ("CREATE INDEX ON t (id, at)", False),
        ("CREATE INDEX ON t (at) WHERE id > 1", False),
        ("CREATE INDEX ON t USING brin (at)", False),
    ],
)
def test_a_key_without_an_index_is_warned_of(
    index: str, is_served: bool, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(f"CREATE TABLE t (id int, at timestamptz); INSERT INTO t VALUES (1, now()); {index}")
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        plans = PostgresTap(database.typed()).plans(parse_catalog(by(database, "at")), connections)
        warn_of_scans(connection, plans)
        assert "no index" not in caplog.text
        warn_of_scans(connection, plans, large=1)
    assert ("public-t: no index begins with 'at'" in caplog.text) is not is_served


def test_a_key_whose_order_is_another_than_its_type_has(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, at varchar(40)); INSERT INTO t VALUES (1, '2024-01-01 10:00')")
    catalog = by(database, "at")
    assert ids(database.sync(catalog)) == [1]
    said = database.refusal(catalog, column_types={"public-t": {"at": "date-time"}})
    assert "replication key 'at' is text, and sorted as text" in said


def test_a_key_of_hexadecimal_digits(database: Database) -> None:
    database.execute(r"CREATE TABLE t (id int, k bytea); INSERT INTO t VALUES (1, '\x01'), (2, '\x7faa')")
    catalog = by(database, "k")
    first = database.sync(catalog, bytea_as="hex")
    assert [ids(first), ids(database.sync(catalog, state_of(first), bytea_as="hex"))] == [[1, 2], [2]]


@pytest.mark.parametrize("type_", ["boolean", "int[]", "range_of_two"])
def test_a_key_that_tells_no_order(type_: str, database: Database) -> None:
    """The first run would end with a STATE that the second cannot use."""
    database.execute(f"CREATE TYPE range_of_two AS (low int, high int); CREATE TABLE t (id int, k {type_})")
    database.execute("INSERT INTO t VALUES (1)")
    assert "stream 'public-t': replication key 'k'" in database.refusal(by(database, "k"))


def test_conditions_of_the_user_hold_too(database: Database) -> None:
    database.execute(EVENTS)
    options = {"public-events": {"custom_where_clauses": ["id = 1 OR id > 3"]}}
    catalog = by(database, "at")
    first = database.sync(catalog, stream_options=options)
    assert ids(first) == [1, 4, 5]
    assert ids(database.sync(catalog, state_of(first), stream_options=options)) == [5]


@pytest.mark.parametrize(
    "bookmark",
    [
        {"replication_key": "at", "replication_key_value": "2024-01-01T00:04:00+00:00"},
        {
            "last_replication_method": "INCREMENTAL",
            "replication_key": "at",
            "version": 1795447219472,
            "replication_key_value": "2024-01-01T00:04:00+00:00",
        },
    ],
    ids=["meltanolabs", "pipelinewise"],
)
def test_going_on_where_another_tap_ended(bookmark: dict[str, Any], database: Database) -> None:
    database.execute(EVENTS)
    state = {"bookmarks": {"public-events": bookmark}, "currently_syncing": None}
    outcome = database.sync(by(database, "at"), state)
    assert ids(outcome) == [4, 5]
    after = state_of(outcome)["bookmarks"]["public-events"]
    assert after == {**bookmark, "replication_key_value": "2024-01-01T00:05:00+00:00"}


def test_a_value_that_is_none_of_the_type(database: Database) -> None:
    database.execute(EVENTS)
    state = {"bookmarks": {"public-events": {"replication_key": "at", "replication_key_value": "gone"}}}
    outcome = database.run(catalog=by(database, "at"), state=state)
    assert outcome.code == 1
    assert "reading stream 'public-events': invalid input syntax for type timestamp" in outcome.stderr


def test_a_start_date_that_is_none(database: Database) -> None:
    assert "start_date: 'soon' is no date or time" in database.failure(start_date="soon")


def test_the_default_method(database: Database) -> None:
    database.execute("CREATE TABLE t (id int)")
    (entry,) = database.catalog(default_replication_method="INCREMENTAL")["streams"]
    assert entry["replication_method"] == "INCREMENTAL"
