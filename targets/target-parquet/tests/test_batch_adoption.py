"""Parquet batch files that become files of the table as they are, and those that do not."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

INTEGER = {"type": ["integer", "null"]}
STRING = {"type": ["string", "null"]}
ROWS = 400_000
SMALL = {"target_file_size_mb": 1, "add_record_metadata": False}
"""A size of files that a test can fill."""


@pytest.fixture(scope="session")
def table():
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "name": pa.array([hashlib.md5(str(n % 9_000).encode()).hexdigest() for n in range(ROWS)]),
        }
    )


@pytest.fixture
def load_file(tmp_path, table, load, schema_line):
    """Loads a Parquet file that differs from ours in some way."""

    def do(rows=None, *, schema=None, settings=SMALL, version=None, message=None, **options):
        path = tmp_path / "batch.parquet"
        pq.write_table(table if rows is None else rows, path, **({"compression": "zstd"} | options))
        batch = {
            "type": "BATCH",
            "stream": "users",
            "encoding": {"format": "parquet"},
            "manifest": [str(path)],
        } | ({"version": version} if version else {})
        line = schema or schema_line("users", ("id",), id=INTEGER, name=STRING)
        outcome = load(line, batch, {"type": "STATE", "value": 1}, *(message or ()), **settings)
        assert outcome.code == 0, outcome.stderr
        assert path.exists()
        return path, outcome

    return do


def test_a_file_like_ours_is_taken_byte_for_byte(load_file, files, read, table):
    path, outcome = load_file()
    [loaded] = files("users")
    assert loaded.read_bytes() == path.read_bytes()
    assert not loaded.samefile(path)
    assert read("users") == table.to_pylist()
    assert f"loaded {ROWS:,} records" in outcome.stderr


def test_the_ledger_knows_its_rows_and_bytes(load_file, files, destination):
    load_file()
    [loaded] = files("users")
    entries = [json.loads(path.read_text()) for path in destination.rglob("*.json")]
    found = [file for entry in entries for stream in entry.get("streams", ()) for file in stream["files"]]
    assert [(file["rows"], file["bytes"]) for file in found] == [(ROWS, loaded.stat().st_size)]


def test_the_rows_before_it_stand_before_it(load_file, files, record, read, load, schema_line):
    load(schema_line("users", ("id",), id=INTEGER, name=STRING), record(id=-1, name="before"), **SMALL)
    _, _ = load_file(message=[record(id=-2, name="after")])
    ids = [row["id"] for row in read("users")]
    assert (ids[0], ids[1], ids[-1]) == (-1, 0, -2)
    assert len(files("users")) == 3


def test_columns_of_one_that_is_taken_can_still_change(load_file, load, read, record, schema_line):
    load_file()
    load(schema_line("users", ("id",), id=INTEGER, name=STRING, new=INTEGER), record(id=-1, new=5), **SMALL)
    assert {"id": -1, "name": None, "new": 5} in read("users")


@pytest.mark.parametrize(
    "difference",
    [
        {"compression": "snappy"},
        {"row_group_size": 10_000},
        {"write_statistics": False},
        {"settings": SMALL | {"compression_level": 3}},
        {"settings": SMALL | {"compression": "snappy"}},
        {"settings": SMALL | {"add_record_metadata": True}},
        {"settings": SMALL | {"target_file_size_mb": 1024}},
    ],
    ids=str,
)
def test_another_encoding_or_size_is_written_anew(load_file, files, query, difference):
    path, _ = load_file(**difference)
    assert all(file.read_bytes() != path.read_bytes() for file in files("users"))
    [row] = query("users")[:1]
    assert row["id"] == 0
    assert sum(pq.read_metadata(file).num_rows for file in files("users")) == ROWS


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.append_column("extra", table["id"]),
        lambda table: table.select(["name", "id"]),
        lambda table: table.select(["id"]),
        lambda table: table.set_column(0, "id", table["id"].cast(pa.int32())),
        lambda table: table.slice(0, 1_000),
        lambda table: pa.concat_tables([table] * 3),
    ],
    ids=["extra", "order", "missing", "type", "small", "large"],
)
def test_other_columns_or_sizes_are_written_anew(load_file, files, table, change):
    rows = change(table)
    path, _ = load_file(rows)
    assert all(file.read_bytes() != path.read_bytes() for file in files("users"))
    assert all(pq.read_schema(file).names == ["id", "name"] for file in files("users"))
    assert sum(pq.read_metadata(file).num_rows for file in files("users")) == rows.num_rows


def test_partitions_are_written_anew(load_file, files, table):
    rows = table.slice(0, 300_000).set_column(0, "id", pa.array([n % 2 for n in range(300_000)]))
    load_file(rows, settings=SMALL | {"partition_by": ["id"]})
    assert {path.parent.name for path in files("users")} == {"id=0", "id=1"}


def test_the_schema_decides_whether_it_has_to_be_validated(load_file, files, schema_line):
    bounded = {"type": ["integer", "null"], "minimum": 0}
    schema = schema_line("users", ("id",), id=bounded, name=STRING)
    path, _ = load_file(schema=schema)
    assert files("users")[0].read_bytes() != path.read_bytes()
    path, _ = load_file(schema=schema, settings=SMALL | {"validate_records": False})
    assert path.read_bytes() in [file.read_bytes() for file in files("users")]


def test_a_required_value_that_is_null_is_found_all_the_same(load, tmp_path, table, files, schema_line):
    path = tmp_path / "batch.parquet"
    ids = pa.array([None if n == 300_000 else n for n in range(ROWS)])
    pq.write_table(table.set_column(0, "id", ids), path, compression="zstd")
    schema = schema_line("users", (), id={"type": "integer"}, name=STRING)
    schema["schema"]["required"] = ["id"]
    manifest = {"manifest": [str(path)], "encoding": {"format": "parquet"}}
    outcome = load(schema, {"type": "BATCH", "stream": "users", **manifest}, **SMALL)
    assert outcome.code == 1
    assert "line 300001, stream 'users', /id: null is not allowed" in outcome.stderr
    assert files() == []


def test_a_file_with_a_broken_page_is_not_taken(load, tmp_path, table, files, schema_line):
    path = tmp_path / "batch.parquet"
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    path.write_bytes(data)
    manifest = {"manifest": [str(path)], "encoding": {"format": "parquet"}}
    outcome = load(
        schema_line("users", ("id",), id=INTEGER, name=STRING),
        {"type": "BATCH", "stream": "users", **manifest},
        **SMALL,
    )
    assert outcome.code == 1
    assert "batch.parquet of stream 'users'" in outcome.stderr
    assert files() == []
