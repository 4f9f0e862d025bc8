"""Rows into tables: appended, overwritten, with columns that change."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.singer_messages import record, schema, state


def test_a_stream_becomes_a_table_of_typed_columns(loaded, rows, table):
    """R1, R2: the STATE comes out once the rows are committed."""
    kinds = {
        "price": {"type": ["number", "null"], "multipleOf": 0.01},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "day": {"type": ["string", "null"], "format": "date"},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        "address": {"type": ["object", "null"], "properties": {"zip": {"type": ["string", "null"]}}},
    }
    values = {"price": 1.25, "at": "2024-05-01T10:00:00+02:00", "day": "2024-05-01", "tags": ["a", "b"]}
    messages = (
        schema("public-Users", **kinds),
        record("public-Users", id=1, **values, address={"zip": "1"}),
        record("public-Users", id=2),
        state({"at": 1}),
    )
    assert json.loads(loaded(*messages).stdout) == {"at": 1}
    first, second = rows("public_users")
    assert first == {
        "id": 1,
        "price": Decimal("1.25"),
        "at": datetime(2024, 5, 1, 8, tzinfo=UTC),
        "day": date(2024, 5, 1),
        "tags": ["a", "b"],
        "address": {"zip": "1"},
    }
    assert second == {"id": 2} | dict.fromkeys(kinds)
    columns = table("public_users").schema()
    assert [columns.find_field(each).name for each in columns.identifier_field_ids] == ["id"]
    assert columns.find_field("id").required


def test_every_run_adds_one_snapshot_with_its_provenance(loaded, rows, table):
    for number in range(3):
        loaded(schema(), record(id=number), state(number), pipeline="acme/users")
    assert [row["id"] for row in rows("users")] == [0, 1, 2]
    snapshots = table("users").metadata.snapshots
    assert [each.summary["dativo.epoch"] for each in snapshots] == ["1", "2", "3"]
    assert {each.summary["dativo.pipeline"] for each in snapshots} == {"acme/users"}
    assert json.loads(table("users").properties["dativo.state.acme/users"])["state"] == "2"


def test_a_run_without_records_commits_nothing(loaded, table):
    loaded(schema(), record(id=1), state(1))
    loaded(schema())
    assert len(table("users").metadata.snapshots) == 1


def test_new_columns_are_added_and_old_ones_stay(loaded, rows):
    loaded(schema(name="string"), record(id=1, name="a"))
    nested = {"type": ["object", "null"], "properties": {"x": {"type": ["integer", "null"]}}}
    loaded(schema(place=nested), record(id=2, place={"x": 1}))
    nested["properties"]["y"] = {"type": ["string", "null"]}
    loaded(schema(place=nested), record(id=3, place={"x": 2, "y": "b"}))
    assert rows("users") == [
        {"id": 1, "name": "a", "place": None},
        {"id": 2, "name": None, "place": {"x": 1, "y": None}},
        {"id": 3, "name": None, "place": {"x": 2, "y": "b"}},
    ]


def test_a_schema_that_changes_within_a_run_rides_in_one_commit(loaded, rows, table):
    loaded(schema(), record(id=1), schema(name="string"), record(id=2, name="b"), state(1))
    assert rows("users") == [{"id": 1, "name": None}, {"id": 2, "name": "b"}]
    assert len(table("users").metadata.snapshots) == 1


def test_a_type_in_conflict_goes_to_a_column_of_its_own_and_is_found_there_again(loaded, rows):
    loaded(schema(value="integer"), record(id=1, value=7))
    for number in (2, 3):
        loaded(schema(value="string"), record(id=number, value=f"text {number}"))
    assert rows("users") == [
        {"id": 1, "value": 7, "value__string": None},
        {"id": 2, "value": None, "value__string": "text 2"},
        {"id": 3, "value": None, "value__string": "text 3"},
    ]


def test_text_of_json_is_told_from_strings(loaded, rows):
    """Iceberg has one string type for both; a property of the table keeps them apart."""
    for number in (1, 2):
        loaded(schema(any={}), record(id=number, any={"a": [number]}))
    loaded(schema(any="string"), record(id=3, any="plain"))
    assert [(row["any"], row["any__string"]) for row in rows("users")] == [
        ('{"a": [1]}', None),
        ('{"a": [2]}', None),
        (None, "plain"),
    ]


def test_a_conflict_may_fail_the_run(loaded, load, table):
    loaded(schema(value="integer"), record(id=1, value=7))
    outcome = load(schema(value="string"), record(id=2, value="x"), on_type_conflict="fail")
    assert outcome.code == 1
    assert "/value" in outcome.stderr
    assert len(table("users").metadata.snapshots) == 1


def test_columns_that_differ_in_case_alone_are_refused(load):
    outcome = load(schema(Name="string", name="string"), record(id=1))
    assert outcome.code == 1
    assert "differ in case alone" in outcome.stderr


def test_a_key_without_value_is_refused(load, warehouse):
    outcome = load(schema(id={"type": ["integer", "null"]}), record(id=None))
    assert outcome.code == 1
    assert "'id'" in outcome.stderr
    assert "users" in outcome.stderr
    assert not list(warehouse.rglob("*.parquet"))


def test_streams_that_would_share_a_table_are_refused_unless_one_is_named(load, loaded, rows):
    messages = [schema("a-b"), record("a-b", id=1), schema("a.b"), record("a.b", id=2)]
    refused = load(*messages)
    assert refused.code == 1
    assert "table_names" in refused.stderr
    loaded(*messages, table_names={"a.b": "other.second"})
    assert rows("second", namespace="other") == [{"id": 2}]
    assert rows("a_b") == [{"id": 1}]


def test_overwriting_swaps_the_rows_at_the_end_of_the_run(loaded, rows, table):
    loaded(schema(name="string"), record(id=1, name="a"), record(id=2, name="b"), state(1))
    loaded(schema(), record(id=3), state(2), record(id=4), load_method="overwrite")
    assert rows("users") == [{"id": 3, "name": None}, {"id": 4, "name": None}]
    assert len(table("users").metadata.snapshots) == 2
    loaded(schema(), load_method="overwrite")
    assert rows("users") == []


def test_two_streams_are_committed_with_one_state(loaded, rows):
    outcome = loaded(schema(), schema("orders"), record(id=1), record("orders", id=9), state({"both": 1}))
    assert json.loads(outcome.stdout) == {"both": 1}
    assert (rows("users"), rows("orders")) == ([{"id": 1}], [{"id": 9}])


@pytest.mark.parametrize("epochs", [1, 5])
def test_states_close_epochs(loaded, rows, table, epochs):
    numbers = {"epoch_max_bytes": 0, "epoch_max_records": 0, "epoch_max_seconds": 0}
    messages = [each for number in range(epochs) for each in (record(id=number), state(number))]
    outcome = loaded(schema(), *messages, **numbers)
    assert outcome.stdout.split() == [str(number).encode() for number in range(epochs)]
    assert len(rows("users")) == epochs
    assert len(table("users").metadata.snapshots) == epochs


def test_a_pipeline_of_many_small_epochs_tends_its_tables(loaded, rows, table):
    every_state = {"epoch_max_bytes": 0, "epoch_max_records": 0, "epoch_max_seconds": 0}
    messages = [each for number in range(12) for each in (record(id=number), state(number))]
    loaded(schema(), *messages, **every_state, maintenance={"every_epochs": 5, "small_files": 2})
    assert len(rows("users")) == 12
    assert len(list(table("users").scan().plan_files())) < 8
