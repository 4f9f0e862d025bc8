"""Rows in the place of others: the last one of each key stays."""

import pytest
from dativo_protocol.testing import run

from tests.singer_messages import record, schema, state

UPSERT = {"load_method": "upsert"}
DELETING = {**UPSERT, "hard_delete": True, "add_record_metadata": True}


def found(rows, *columns):
    return [tuple(row[column] for column in ("id", *columns)) for row in rows]


def test_the_last_row_of_a_key_stays_within_a_run_and_across_runs(loaded, rows):
    many = [record(id=number, name="old") for number in range(100)]
    loaded(schema(name="string"), *many, record(id=5, name="newer"), state(1), **UPSERT)
    loaded(schema(name="string"), record(id=7, name="new"), record(id=200, name="new"), state(2), **UPSERT)
    names = dict(found(rows("users"), "name"))
    assert len(names) == 101
    assert (names[5], names[7], names[8], names[200]) == ("newer", "new", "old", "new")


def test_keys_of_several_columns_of_every_kind(loaded, rows):
    shape = schema(
        keys=("id", "name", "day"), name="string", day={"type": "string", "format": "date"}, n="integer"
    )
    first = [record(id=1, name=name, day=f"2024-01-0{day}", n=0) for name in "ab" for day in (1, 2)]
    loaded(shape, *first, **UPSERT)
    loaded(shape, record(id=1, name="a", day="2024-01-02", n=1), **UPSERT)
    assert sorted(row["n"] for row in rows("users")) == [0, 0, 0, 1]


def test_rows_of_a_partitioned_table_move_to_another_partition(loaded, rows):
    for name in ("a", "b"):
        loaded(schema(name="string"), record(id=1, name=name), partition_by=["name"], **UPSERT)
    assert found(rows("users"), "name") == [(1, "b")]


def test_keys_are_left_to_readers_where_that_is_allowed_until_maintenance_has_found_them(
    loaded, rows, scanned, table, command
):
    blind = {**UPSERT, "allow_equality_deletes": True, "probe_budget_mb": 0, "partition_by": ["name"]}
    loaded(schema(name="string"), *(record(id=number, name="a") for number in range(5)), **blind)
    loaded(schema(name="string", n="integer"), record(id=1, name="b", n=1), record(id=1, name="c"), **blind)
    loaded(schema(name="string", n="integer"), record(id=2, name="c"), **blind, branch="audit")
    expected = [(0, "a"), (1, "c"), (2, "a"), (3, "a"), (4, "a")]
    assert found(scanned("users"), "name") == expected
    with pytest.raises(ValueError, match="equality deletes"):
        table("users").scan().to_arrow()
    assert run(command("maintain", **blind)).code == 0
    assert found(rows("users"), "name") == expected
    on_branch = table("users").metadata.snapshot_by_name("audit")
    assert on_branch.summary["dativo.keys-deleted"] == "1"
    assert run(command("verify", **blind)).code == 0


def test_the_schema_may_change_with_the_rows_that_are_replaced(loaded, rows):
    loaded(schema(), record(id=1), record(id=2), **UPSERT)
    loaded(schema(name="string"), record(id=2, name="b"), **UPSERT)
    assert found(rows("users"), "name") == [(1, None), (2, "b")]


def test_rows_that_the_source_has_deleted_go_for_good(loaded, rows):
    deleted = {"_sdc_deleted_at": "2024-01-01T00:00:00Z"}
    loaded(schema(name="string"), *(record(id=number, name="a") for number in range(4)), **DELETING)
    outcome = loaded(
        schema(name="string"),
        record(id=1, **deleted),
        record(id=9, name="b"),
        record(id=9, **deleted),
        record(id=2, **deleted),
        record(id=2, name="again"),
        **DELETING,
    )
    assert found(rows("users"), "name") == [(0, "a"), (2, "again"), (3, "a")]
    assert "5 records read: 2 written, 3 deleted" in outcome.stderr


def test_without_hard_delete_deleted_rows_stay_and_say_so(loaded, rows):
    metadata = {**UPSERT, "add_record_metadata": True}
    loaded(schema(), record(id=1), record(id=2), **metadata)
    loaded(schema(), record(id=1, _sdc_deleted_at="2024-01-01T00:00:00Z"), **metadata)
    assert [(row["id"], row["_sdc_deleted_at"] is None) for row in rows("users")] == [(1, False), (2, True)]


@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_rows_of_older_versions_go_when_a_version_is_activated(loaded, rows, method):
    """M5."""
    settings = {**DELETING, "load_method": method}
    loaded(schema(), *({**record(id=number), "version": 1} for number in range(3)), state(1), **settings)
    activate = {"type": "ACTIVATE_VERSION", "stream": "users", "version": 2}
    loaded(schema(), {**record(id=7), "version": 2}, activate, state(2), **settings)
    assert found(rows("users")) == [(7,)]


def test_a_stream_without_key_is_refused(load):
    outcome = load(schema(keys=()), record(id=1), **UPSERT)
    assert outcome.code == 1
    assert "no key_properties" in outcome.stderr


def test_what_helped_to_commit_is_removed(loaded, warehouse):
    loaded(schema(), record(id=1), **UPSERT)
    loaded(schema(), record(id=1), **UPSERT)
    assert not [path for path in (warehouse / ".dativo/keys").rglob("*") if path.is_file()]


def test_an_overwrite_on_a_new_branch_replaces_what_the_branch_begins_with(loaded, rows, table):
    loaded(schema(), record(id=1), state(1))
    loaded(schema(), record(id=2), state(2), load_method="overwrite", branch="audit")
    on_branch = table("users").scan(snapshot_id=table("users").metadata.snapshot_by_name("audit").snapshot_id)
    assert on_branch.to_arrow().column("id").to_pylist() == [2]
    assert found(rows("users")) == [(1,)]
