"""Rows of older versions are marked as deleted when a version is activated and rows are kept (M5)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.singer_messages import record, schema, state

KEEPING = {"add_record_metadata": True}
ACTIVATE = {"type": "ACTIVATE_VERSION", "stream": "users", "version": 2}
LONG_AGO = "2020-01-01T00:00:00Z"


def of_version(version, *ids, **values):
    return [{**record(id=each, **values), "version": version} for each in ids]


def deleted(rows):
    return {row["id"]: row["_sdc_deleted_at"] for row in rows("users")}


@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_rows_of_older_versions_are_marked(loaded, rows, table, method):
    settings = {**KEEPING, "load_method": method, "sort_by": ["id desc"]}
    begun = datetime.now(UTC) - timedelta(seconds=1)
    first = [record(id=0), *of_version(1, 1, 2), *of_version(1, 3, _sdc_deleted_at=LONG_AGO)]
    loaded(schema(), *first, state(1), **settings)
    loaded(schema(), *of_version(2, 4), state(2), **settings)
    assert {each: at is not None for each, at in deleted(rows).items()} == {
        0: False,
        1: False,
        2: False,
        3: True,
        4: False,
    }
    again = [] if method == "append-only" else of_version(2, 2)
    loaded(schema(), *again, *of_version(1, 6), *of_version(2, 5), ACTIVATE, state(3), **settings)
    found = deleted(rows)
    stay = {4, 5} if method == "append-only" else {2, 4, 5}
    assert {each for each, at in found.items() if at is None} == stay
    assert len(found) == 7
    assert found.pop(3) == datetime(2020, 1, 1, tzinfo=UTC)
    marked = {at for at in found.values() if at is not None}
    assert len(marked) == 1
    assert begun < marked.pop() < datetime.now(UTC) + timedelta(seconds=1)
    assert {task.file.sort_order_id for task in table("users").scan().plan_files()} == {1}
    summary = table("users").current_snapshot().summary
    assert summary["dativo.rows-soft-deleted"] == ("4" if method == "append-only" else "3")
    untouched = deleted(rows)
    loaded(schema(), ACTIVATE, state(4), **settings)
    assert deleted(rows) == untouched


def test_a_table_that_has_had_no_versions_is_marked_as_a_whole(loaded, rows):
    loaded(schema(name="string"), record(id=1, name="a"), record(id=2), partition_by=["name"])
    loaded(schema(name="string"), *of_version(2, 3, name="a"), ACTIVATE, **KEEPING)
    assert {each: at is not None for each, at in deleted(rows).items()} == {1: True, 2: True, 3: False}
    assert {row["id"]: row["name"] for row in rows("users")} == {1: "a", 2: None, 3: "a"}


def test_without_the_columns_the_log_says_that_rows_stay(loaded, rows):
    outcome = loaded(schema(), *of_version(1, 1), ACTIVATE)
    assert "version 2 is active; rows of other versions stay" in outcome.stderr
    assert [row["id"] for row in rows("users")] == [1]
