"""Partition fields: every transform, and fields that change."""

import pytest
from pyiceberg.expressions import EqualTo

from tests.singer_messages import record, schema

AT = {"type": ["string", "null"], "format": "date-time"}
DAY = {"type": ["string", "null"], "format": "date"}


@pytest.mark.parametrize(
    ("field", "partitions"),
    [
        ("name", {"a", "b", None}),
        ("bucket[4](id)", None),
        ("truncate[1](name)", {"a", "b", None}),
        ("truncate[10](id)", {0, 10}),
        ("year(at)", {54, 55, None}),
        ("month(at)", {54 * 12, 55 * 12 + 11, None}),
        ("day(day)", None),
        ("hour(at)", None),
        ("price", None),
    ],
)
def test_rows_are_in_the_partition_of_their_value(loaded, rows, table, field, partitions):
    price = {"type": ["number", "null"], "multipleOf": 0.01}
    messages = [schema(name="string", at=AT, day=DAY, price=price)]
    for number in range(20):
        values = {
            "name": "ab"[number % 2],
            "at": f"202{4 + number % 2}-{'12' if number % 2 else '01'}-01T00:00:00Z",
            "day": f"2024-01-{number % 3 + 1:02}",
            "price": number % 4 / 4,
        }
        messages.append(record(id=number, **(values if number else {})))
    loaded(*messages, partition_by=[field])
    assert len(rows("users")) == 20
    files = [task.file for task in table("users").scan().plan_files()]
    assert len(files) > 1
    if partitions is not None:
        assert {file.partition[0] for file in files} == partitions
    # Files are left out by their partition, and still nothing is missing.
    for row in rows("users"):
        found = table("users").scan(row_filter=EqualTo("id", row["id"])).to_arrow().to_pylist()
        assert found == [row]


def test_null_and_the_text_null_are_two_partitions(loaded, table, rows):
    loaded(schema(name="string"), record(id=1), record(id=2, name="null"), partition_by=["name"])
    assert {task.file.partition[0] for task in table("users").scan().plan_files()} == {None, "null"}
    assert len(rows("users")) == 2


def test_the_fields_may_change_for_the_rows_to_come(loaded, table, rows):
    loaded(schema(name="string"), record(id=1, name="a"))
    loaded(schema(name="string"), record(id=2, name="b"), partition_by=["name"])
    loaded(schema(name="string"), record(id=3, name="c"))  # the table's own stay
    loaded(schema(name="string"), record(id=4, name="d"), partition_by=["bucket[2](id)"])
    assert [row["id"] for row in rows("users")] == [1, 2, 3, 4]
    specs = {
        task.file.partition[0] if len(task.file.partition) else ""
        for task in table("users").scan().plan_files()
    }
    assert {"", "b", "c"} <= specs
    assert [str(field.transform) for field in table("users").spec().fields] == ["bucket[2]"]


@pytest.mark.parametrize("field", ["week(at)", "bucket(id)", "hour(name)", "missing", "bucket[0](id)"])
def test_what_cannot_be_done_is_said(load, field):
    outcome = load(schema(name="string", at=AT), record(id=1), partition_by=[field])
    assert outcome.code == 1
    assert "partition_by" in outcome.stderr
    assert "users" in outcome.stderr
