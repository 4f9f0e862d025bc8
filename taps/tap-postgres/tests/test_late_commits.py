"""Rows that are committed after a run has read greater keys: lost, or not, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tap_postgres.late_commits import Fence, Horizon

if TYPE_CHECKING:
    from conftest import Database, Messages

EVENTS = "CREATE TABLE events (id int PRIMARY KEY, at timestamptz, n int)"


def by(database: Database, key: str) -> dict[str, Any]:
    catalog = database.catalog()
    for entry in catalog["streams"]:
        entry |= {"replication_method": "INCREMENTAL", "replication_key": key}
    return catalog


def state_of(outcome: Messages) -> Any:
    return outcome.messages("STATE")[-1]["value"] if outcome.messages("STATE") else None


def ids(outcome: Messages) -> list[int]:
    return [row["id"] for row in outcome.records]


def await_that_it_is_past(database: Database) -> None:
    """Keys of less than a second ago are not read yet with `oldest_transaction`."""
    is_past = "SELECT count(*) FROM events WHERE at > clock_timestamp() - interval '1.1 s'"
    with database.connect() as connection:
        while connection.execute(is_past).fetchone() != (0,):
            connection.execute("SELECT pg_sleep(0.05)")


@pytest.mark.parametrize("numbered_late", [True, False], ids=["late number", "early number"])
@pytest.mark.parametrize(
    ("policy", "runs"),
    [("none", ([2], [2])), ("oldest_transaction", ([], [1, 2])), ("xmin", ([2], [1, 2]))],
)
def test_a_transaction_that_begins_first_and_is_committed_last(
    policy: str, runs: tuple[list[int], list[int]], numbered_late: bool, database: Database
) -> None:
    """A begins, D begins, writes and is committed, a run reads, A is committed, another run reads.

    With a late number A is numbered after D: no number of the snapshot would tell that D is too new.
    """
    database.execute(EVENTS)
    catalog = by(database, "at")
    with database.connect() as a, database.connect() as d:
        a.execute("BEGIN; SELECT now()" if numbered_late else "BEGIN; SELECT now(), pg_current_xact_id()")
        d.execute("BEGIN; INSERT INTO events VALUES (2, now()); COMMIT")
        if policy == "oldest_transaction":
            await_that_it_is_past(database)
        first = database.sync(catalog, late_commits=policy)
        a.execute("INSERT INTO events VALUES (1, now()); COMMIT")
    if policy == "oldest_transaction":
        await_that_it_is_past(database)
    second = database.sync(catalog, state_of(first), late_commits=policy)
    assert (ids(first), sorted(ids(second))) == runs
    third = database.sync(catalog, state_of(second), late_commits=policy)
    assert ids(third) == [2]
    (greatest,) = (row["at"] for row in third.records)
    assert state_of(third)["bookmarks"]["public-events"]["replication_key_value"] == greatest


def test_by_a_number_rows_without_one_come_late_too(database: Database) -> None:
    database.execute(EVENTS + "; INSERT INTO events SELECT k, NULL, k * 10 FROM generate_series(1, 5) k")
    catalog = by(database, "n")
    first = database.sync(catalog, late_commits="xmin")
    with database.connect() as connection:
        connection.execute("UPDATE events SET n = 15 WHERE id = 4")
        connection.execute("INSERT INTO events VALUES (6, NULL, NULL), (7, NULL, 60)")
        connection.execute("BEGIN; SAVEPOINT s; INSERT INTO events VALUES (8, NULL, 1); RELEASE s; COMMIT")
    second = database.sync(catalog, state_of(first), late_commits="xmin")
    assert sorted(ids(second)) == [4, 5, 6, 7, 8]
    bookmark = state_of(second)["bookmarks"]["public-events"]
    assert bookmark["replication_key_value"] == 60
    assert int(bookmark["late"]["xmin"]) > int(state_of(first)["bookmarks"]["public-events"]["late"]["xmin"])


def test_a_run_that_is_interrupted_keeps_what_it_has_to_read_again(database: Database) -> None:
    database.execute(EVENTS + "; INSERT INTO events SELECT k, NULL, k * 10 FROM generate_series(1, 5) k")
    catalog = by(database, "n")
    first = database.sync(catalog, late_commits="xmin")
    database.execute("INSERT INTO events VALUES (6, NULL, 5), (7, NULL, 60), (8, NULL, 70)")
    settings: dict[str, Any] = {"late_commits": "xmin", "batch_rows": 1, "max_parallelism": 1}
    second = database.sync(catalog, state_of(first), **settings)
    for message in second.messages("STATE")[1:-1]:
        late = message["value"]["bookmarks"]["public-events"]["late"]
        assert late == state_of(first)["bookmarks"]["public-events"]["late"]
    interrupted = second.messages("STATE")[2]["value"]
    assert 6 in ids(database.sync(catalog, interrupted, **settings))


def test_a_start_date_and_looking_back_hold_too(database: Database) -> None:
    database.execute(EVENTS + "; INSERT INTO events VALUES (1, '2024-01-10', 0)")
    catalog = by(database, "at")
    settings: dict[str, Any] = {
        "late_commits": "xmin",
        "start_date": "2024-01-01T00:00:00Z",
        "lookback_seconds": 86400,
    }
    first = database.sync(catalog, **settings)
    database.execute(
        "INSERT INTO events VALUES (2, '2023-12-31'), (3, '2024-01-02'), (4, '2024-01-09 12:00Z'), (5, NULL)"
    )
    second = database.sync(catalog, state_of(first), **settings)
    assert sorted(ids(second)) == [1, 3, 4]
    assert state_of(second)["bookmarks"]["public-events"]["replication_key_value"] == (
        "2024-01-10T00:00:00+00:00"
    )


@pytest.mark.parametrize("late", [{"xmin": "7"}, {"xmin": "x"}, 5, {"xmin": str(1 << 40)}])
def test_of_another_server_or_too_old(
    late: Any, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(EVENTS + "; INSERT INTO events VALUES (1, NULL, 1), (2, NULL, 2)")
    bookmark = {"replication_key": "n", "replication_key_value": 2, "late": late}
    fresh = late == {"xmin": "7"}
    state = {"bookmarks": {"public-events": bookmark}}
    outcome = database.sync(by(database, "n"), state, late_commits="xmin")
    assert sorted(ids(outcome)) == [1, 2]
    assert ("public-events: reads all rows" in caplog.text) is not fresh
    assert state_of(outcome)["bookmarks"]["public-events"]["replication_key_value"] == 2


def test_no_longer_asked_for_nothing_is_kept(database: Database) -> None:
    database.execute(EVENTS + "; INSERT INTO events VALUES (1, NULL, 1)")
    first = database.sync(by(database, "n"), late_commits="xmin")
    assert "late" in state_of(first)["bookmarks"]["public-events"]
    second = database.sync(by(database, "n"), state_of(first))
    assert "late" not in state_of(second)["bookmarks"]["public-events"]


@pytest.mark.parametrize(
    ("key", "policy", "table", "said"),
    [
        ("n", "oldest_transaction", "events", "replication key 'n' is no timestamp with time zone"),
        ("n", "xmin", "v", "a view has no row versions"),
    ],
)
def test_what_cannot_be_had(key: str, policy: str, table: str, said: str, database: Database) -> None:
    database.execute(EVENTS + "; CREATE VIEW v AS SELECT * FROM events")
    catalog = by(database, key)
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] == f"public-{table}"]
    assert f"late_commits: stream 'public-{table}': {said}" in database.refusal(catalog, late_commits=policy)


def test_transactions_of_others_must_be_seen(database: Database) -> None:
    database.execute(EVENTS)
    catalog = by(database, "at")
    reader = database.reader("SELECT ON events")
    said = database.refusal(catalog, late_commits="oldest_transaction", **reader)
    assert "the user does not see the transactions of others GRANT pg_read_all_stats" in said
    database.execute(f"GRANT pg_read_all_stats TO {reader['user']}")
    assert ids(database.sync(catalog, late_commits="oldest_transaction", **reader)) == []


def test_a_bookmark_stays_while_nobody_knows_how_far_to_read() -> None:
    assert Fence(Horizon(None)).holds_back
    assert not Fence(Horizon("2024-01-01 00:00:00+00")).holds_back
    assert not Fence(xmin=5).holds_back


def test_an_unusable_bookmark_is_said() -> None:
    with pytest.raises(LookupError):
        Fence(xmin=5).since({"late": {"xmin": "6"}})
    assert Fence(xmin=5).since({"late": {"xmin": "5"}}) == 5
    assert Fence(xmin=5).since({}) is None
