"""Files of runs whose schemas differ, read together by the readers people use; through the executable."""

import os

import pytest

INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
STRING = {"type": "string"}
DECIMAL = {"type": "number", "multipleOf": 0.01}


@pytest.fixture
def both(read, query):
    """Reads a stream with pyarrow.dataset and with DuckDB, which must agree."""

    def rows(directory, key="id"):
        by_dataset = sorted(read(directory), key=lambda row: row[key])
        by_duckdb = query(directory, order=key)
        assert by_dataset == by_duckdb
        return by_dataset

    return rows


def test_columns_added_and_dropped_within_a_run_and_between_runs(load, schema_line, record, both):
    """G2"""
    a, b = record(id=1, name="x"), record(id=2, age=5)
    assert load(schema_line(id=INTEGER, name=STRING), a, schema_line(id=INTEGER, age=INTEGER), b).code == 0
    c = record(id=3, nested={"list": [{"n": 1}]})
    nested = {
        "type": "object",
        "properties": {"list": {"type": "array", "items": {"type": "object", "properties": {"n": INTEGER}}}},
    }
    assert load(schema_line(id=INTEGER, nested=nested), c).code == 0
    missing = {"name": None, "age": None, "nested": None}
    assert both("users") == [
        {"id": 1, **missing, "name": "x"},
        {"id": 2, **missing, "age": 5},
        {"id": 3, **missing, "nested": {"list": [{"n": 1}]}},
    ]


def test_struct_members_and_decimal_digits_grow(load, schema_line, record, both):
    def document(**members):
        return {"type": "object", "properties": members}

    load(
        schema_line(id=INTEGER, doc=document(a=INTEGER), amount={**DECIMAL, "x-precision": 10, "x-scale": 2}),
        record(id=1, doc={"a": 1}, amount=1.5),
    )
    load(
        schema_line(id=INTEGER, doc=document(b=STRING), amount={**DECIMAL, "x-precision": 20, "x-scale": 2}),
        record(id=2, doc={"b": "x"}, amount=123456789012.25),
    )
    first, second = both("users")
    assert (first["doc"], second["doc"]) == ({"a": 1, "b": None}, {"a": None, "b": "x"})
    assert (str(first["amount"]), str(second["amount"])) == ("1.50", "123456789012.25")


def test_variants_keep_every_value_as_it_was(load, schema_line, record, both):
    for number, (type_, value) in enumerate(
        [(INTEGER, 1), (STRING, "two"), (NUMBER, 3.5), (STRING, "four"), (INTEGER, 5)]
    ):
        assert load(schema_line(id=INTEGER, x=type_), record(id=number, x=value)).code == 0
    empty = {"x": None, "x__string": None, "x__number": None}
    assert both("users") == [
        {"id": 0, **empty, "x": 1},
        {"id": 1, **empty, "x__string": "two"},
        {"id": 2, **empty, "x__number": 3.5},
        {"id": 3, **empty, "x__string": "four"},
        {"id": 4, **empty, "x": 5},
    ]


def test_files_are_rolled_at_the_size_wanted(load, schema_line, files, query):
    """Bytes on disk, within a fifth; the last file holds the rest."""
    line = b'{"type":"RECORD","stream":"users","record":{"id":%d,"t":"%s"}}\n'
    records = (line % (number, os.urandom(50).hex().encode()) for number in range(100_000))
    outcome = load(
        schema_line(id=INTEGER, t=STRING), b"".join(records), target_file_size_mb=1, max_parallelism=1
    )
    assert outcome.code == 0, outcome.stderr
    sizes = [path.stat().st_size / (1 << 20) for path in files("users")]
    assert len(sizes) >= 4
    assert all(0.8 <= size <= 1.2 for size in sizes[:-1]), sizes
    assert [row["id"] for row in query("users", order="id")] == list(range(100_000))
