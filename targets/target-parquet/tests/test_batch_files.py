"""Rows that come as files (B1..B4), mixed with RECORD messages."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

INTEGER = {"type": "integer"}
STRING = {"type": ["string", "null"]}
INSTANT = {"type": ["string", "null"], "format": "date-time"}


def batch(format_, *paths, compression=None, **more):
    encoding = {"format": format_} | ({"compression": compression} if compression else {})
    return {
        "type": "BATCH",
        "stream": "users",
        "encoding": encoding,
        "manifest": [str(path) for path in paths],
        **more,
    }


def write_arrow(path, table):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def write_lines(path, *rows, compress=False):
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if compress else text)


def broken_in_the_middle():
    """A gzip file whose head and tail are fine."""
    data = bytearray(gzip.compress(b"".join(b'{"id":%d}\n' % number**3 for number in range(9_999))))
    data[len(data) // 2 : len(data) // 2 + 99] = bytes(99)
    return bytes(data)


ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": None}, {"id": 3, "name": "é"}]


@pytest.fixture
def written(tmp_path):
    """Writes the rows in each format and names the encoding."""

    def write(format_):
        path = tmp_path / f"batch.{format_}"
        if format_ == "arrow":
            write_arrow(path, pa.Table.from_pylist(ROWS))
        elif format_ == "parquet":
            pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=2)
        else:
            write_lines(path, *ROWS, compress=format_ == "jsonl.gz")
        return path

    return write


@pytest.mark.parametrize(
    ("format_", "encoding", "compression"),
    [
        ("arrow", "arrow", None),
        ("parquet", "parquet", "gzip"),
        ("jsonl", "jsonl", None),
        ("jsonl.gz", "jsonl", "gzip"),
    ],
)
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_rows_of_files_and_of_messages_in_order(
    load, written, read, schema_line, record, format_, encoding, compression, scheme
):
    path = f"{scheme}{written(format_)}"
    outcome = load(
        schema_line("users", ("id",), id=INTEGER, name=STRING),
        record(id=0, name="before"),
        batch(encoding, path, path, compression=compression),
        {"type": "STATE", "value": {"a": 1}},
        record(id=9, name="after"),
    )
    assert outcome.code == 0, outcome.stderr
    assert outcome.lines == [{"a": 1}]
    assert read("users") == [{"id": 0, "name": "before"}, *ROWS, *ROWS, {"id": 9, "name": "after"}]


def test_metadata_columns_know_the_version_of_the_batch(load, written, read, schema_line):
    for format_, encoding in (("arrow", "arrow"), ("jsonl", "jsonl")):
        message = batch(encoding, written(format_), version=7)
        load(schema_line(id=INTEGER), message, add_record_metadata=True)
    rows = read("users")
    assert len(rows) == 6
    assert {row["_sdc_table_version"] for row in rows} == {7}
    assert all(row["_sdc_received_at"] for row in rows)


def test_columns_are_cast_where_nothing_is_lost(load, tmp_path, read, schema_line):
    """B4: what other taps' encoders write for these schemas."""
    table = pa.table(
        {
            "small": pa.array([1], pa.int8()),
            "flag": pa.array([1], pa.int8()),
            "amount": pa.array([Decimal("1.5")], pa.decimal32(5, 1)),
            "at": pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
            "text": pa.array(["x"]).dictionary_encode(),
            "large": pa.array(["y"], pa.large_string()),
            "doc": pa.array(['{"a":1}'], pa.json_()),
            "tags": pa.array([["t"]], pa.large_list(pa.string())),
            "extra": pa.array([1]),
        }
    )
    write_arrow(tmp_path / "b.arrow", table)
    schema = schema_line(
        small=INTEGER,
        flag={"type": "boolean"},
        amount={"type": "number", "multipleOf": 0.01},
        at=INSTANT,
        text=STRING,
        large=STRING,
        doc={"type": "object"},
        tags={"type": "array", "items": STRING},
        missing=STRING,
    )
    outcome = load(schema, batch("arrow", tmp_path / "b.arrow"))
    assert outcome.code == 0, outcome.stderr
    assert read("users") == [
        {
            "small": 1,
            "flag": True,
            "amount": Decimal("1.50"),
            "at": datetime(2024, 1, 1, tzinfo=UTC),
            "text": "x",
            "large": "y",
            "doc": '{"a":1}',
            "tags": ["t"],
            "missing": None,
        }
    ]


def test_uuids_are_the_text_that_the_schema_promises(load, tmp_path, read, schema_line):
    """Wherever they are, and whether the file says that they are UUIDs or has sixteen bytes."""
    one, two = UUID(int=1), UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
    bare = pa.binary(16)
    table = pa.table(
        {
            "id": pa.array([one.bytes, None, two.bytes], pa.uuid()),
            "bare": pa.array([b"abcdefghijklmnop", None, one.bytes], bare),
            "list": pa.array([[two.bytes, None], None, []], pa.list_(bare)),
            "member": pa.array(
                [{"of": one.bytes, "n": 1}, None, {"of": None, "n": 2}],
                pa.struct([("of", bare), ("n", pa.int64())]),
            ),
        }
    )
    rows = pa.concat_tables([table.slice(2), table, table.slice(1, 1)])
    write_arrow(tmp_path / "b.arrow", rows)
    text = {"type": ["string", "null"], "format": "uuid"}
    of = {"type": ["object", "null"], "properties": {"of": text, "n": INTEGER}}
    schema = schema_line(id=text, bare=text, list={"type": ["array", "null"], "items": text}, member=of)
    outcome = load(schema, batch("arrow", tmp_path / "b.arrow"))
    assert outcome.code == 0, outcome.stderr
    first = {
        "id": str(one),
        "bare": "61626364-6566-6768-696a-6b6c6d6e6f70",
        "list": [str(two), None],
        "member": {"of": str(one), "n": 1},
    }
    second = dict.fromkeys(first)
    third = {"id": str(two), "bare": str(one), "list": [], "member": {"of": None, "n": 2}}
    assert read("users") == [third, first, second, third, second]


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"id": pa.array(["one"])}, "column id is string, not int64"),
        ({"id": pa.array([1.5])}, "column id is double, not int64"),
        ({"id": pa.array([2**63], pa.uint64())}, "column id is uint64, not int64"),
        ({"id": pa.array([1]), "doc": pa.array([{"a": 1}])}, "column doc must hold JSON text"),
        ({"other": pa.array([1])}, "key property id is missing"),
    ],
)
def test_columns_that_do_not_fit_are_named(load, tmp_path, files, schema_line, table, complaint):
    write_arrow(tmp_path / "b.arrow", pa.table(table))
    outcome = load(
        schema_line("users", ("id",), id=INTEGER, doc={"type": "object"}),
        batch("arrow", tmp_path / "b.arrow"),
    )
    assert outcome.code == 1
    assert f"b.arrow of stream 'users': {complaint}" in outcome.stderr
    assert files() == []


def test_json_lines_are_validated_and_the_line_of_the_file_is_named(load, tmp_path, schema_line):
    write_lines(tmp_path / "b.jsonl", {"id": 1}, {"id": "two"})
    outcome = load(schema_line(id=INTEGER), batch("jsonl", tmp_path / "b.jsonl"))
    assert outcome.code == 1
    assert "line 2, stream 'users', /id: expected integer, got string" in outcome.stderr
    assert "b.jsonl" in outcome.stderr


def test_json_lines_with_blank_lines_carriage_returns_and_no_end(load, tmp_path, read, schema_line):
    (tmp_path / "b.jsonl").write_bytes(b'\n{"id":1}\r\n\r\n\n{"id":2}\n  {"id": 3}')
    outcome = load(schema_line(id=INTEGER), batch("jsonl", tmp_path / "b.jsonl"))
    assert outcome.code == 0, outcome.stderr
    assert [row["id"] for row in read("users")] == [1, 2, 3]


def test_many_json_lines_cross_every_block(load, tmp_path, read, schema_line):
    write_lines(
        tmp_path / "b.jsonl", *({"id": number, "name": "x" * (number % 997)} for number in range(20_000))
    )
    outcome = load(schema_line(id=INTEGER, name=STRING), batch("jsonl", tmp_path / "b.jsonl"))
    assert outcome.code == 0, outcome.stderr
    assert [row["id"] for row in read("users")] == list(range(20_000))


@pytest.mark.parametrize(
    ("format_", "compression", "content", "complaint"),
    [
        ("arrow", None, b"nonsense", "b.file of stream 'users'"),
        ("parquet", None, b"nonsense", "b.file of stream 'users'"),
        ("jsonl", "gzip", b"nonsense", "cannot read the batch file"),
        ("jsonl", "gzip", gzip.compress(b'{"id":1}\n' * 1000)[:-8], "cannot read the batch file"),
        ("jsonl", "gzip", broken_in_the_middle(), "cannot read the batch file"),
        ("avro", None, b"", "line 2, stream 'users': unknown batch format 'avro'"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    load, tmp_path, files, schema_line, format_, compression, content, complaint
):
    (tmp_path / "b.file").write_bytes(content)
    outcome = load(schema_line(id=INTEGER), batch(format_, tmp_path / "b.file", compression=compression))
    assert outcome.code == 1
    assert complaint in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert files() == []


def test_gzip_is_recognised_whatever_the_message_says(load, tmp_path, read, schema_line):
    """B3: taps of the SDK write gzip for `jsonl` even if asked for none."""
    write_lines(tmp_path / "b.json.gz", {"id": 1}, compress=True)
    outcome = load(schema_line(id=INTEGER), batch("jsonl", tmp_path / "b.json.gz"))
    assert outcome.code == 0, outcome.stderr
    assert read("users") == [{"id": 1}]


@pytest.mark.parametrize("format_", ["arrow", "parquet"])
def test_rows_with_types_are_validated_where_the_schema_asks_for_more(
    load, tmp_path, read, schema_line, format_
):
    """B5."""
    path = tmp_path / f"b.{format_}"
    table = pa.table({"id": [1, 2, -3], "name": ["a", None, "c"]})
    (write_arrow if format_ == "arrow" else lambda path, table: pq.write_table(table, path))(path, table)
    schema = schema_line(id={"type": "integer", "minimum": 0}, name={"type": "string"})
    outcome = load(schema, batch(format_, path))
    assert outcome.code == 1
    assert "line 3, stream 'users', /id: " in outcome.stderr
    assert f"b.{format_}" in outcome.stderr
    outcome = load(schema, batch(format_, path), validate_records=False)
    assert outcome.code == 0, outcome.stderr
    assert [row["id"] for row in read("users")] == [1, 2, -3]


def test_rows_that_are_validated_keep_their_values(load, tmp_path, read, schema_line):
    table = pa.table(
        {
            "id": [1, 2],
            "amount": [Decimal("1.50"), None],
            "at": pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "doc": ['{"a":[1]}', None],
            "tags": [["x", None], None],
        }
    )
    write_arrow(tmp_path / "b.arrow", table)
    schema = schema_line(
        id={"type": "integer", "minimum": 0},
        amount={"type": ["number", "null"], "multipleOf": 0.01},
        at=INSTANT,
        doc={"type": ["object", "null"]},
        tags={"type": ["array", "null"], "items": STRING},
    )
    outcome = load(schema, batch("arrow", tmp_path / "b.arrow"))
    assert outcome.code == 0, outcome.stderr
    assert read("users") == table.to_pylist()


def test_json_text_that_is_none_is_named_when_rows_are_validated(load, tmp_path, schema_line):
    write_arrow(tmp_path / "b.arrow", pa.table({"doc": ["{}", "{oops"]}))
    outcome = load(schema_line(doc={"type": "object"}), batch("arrow", tmp_path / "b.arrow"))
    assert outcome.code == 1
    assert "cannot read the batch file" in outcome.stderr
    assert "field /doc of row 1" in outcome.stderr


def test_text_that_is_not_utf8_is_refused(load, tmp_path, schema_line):
    text = pa.array([b"fine", b"\xff"]).view(pa.string())
    write_arrow(tmp_path / "b.arrow", pa.table({"name": text}))
    outcome = load(schema_line(name=STRING), batch("arrow", tmp_path / "b.arrow"))
    assert outcome.code == 1
    assert "b.arrow of stream 'users'" in outcome.stderr
    assert "UTF8" in outcome.stderr


def test_files_are_removed_when_their_rows_are_published_and_not_before(load, written, tmp_path, schema_line):
    """B4."""
    fine = written("arrow")
    load(schema_line(id=INTEGER), batch("arrow", fine))
    assert fine.exists()
    (tmp_path / "bad.arrow").write_bytes(b"nonsense")
    outcome = load(
        schema_line(id=INTEGER), batch("arrow", fine, tmp_path / "bad.arrow"), clean_up_batch_files=True
    )
    assert outcome.code == 1
    assert fine.exists()
    outcome = load(schema_line(id=INTEGER), batch("arrow", fine, fine), clean_up_batch_files=True)
    assert outcome.code == 0, outcome.stderr
    assert not fine.exists()


def test_a_file_that_does_not_exist_is_named(load, schema_line):
    outcome = load(schema_line(id=INTEGER), batch("parquet", "/nowhere/b.parquet"))
    assert outcome.code == 1
    assert "batch file /nowhere/b.parquet of stream 'users' does not exist" in outcome.stderr


def test_partitions_hold_for_batch_files_too(load, written, files, schema_line):
    load(schema_line(id=INTEGER, name=STRING), batch("arrow", written("arrow")), partition_by=["id"])
    assert [path.parent.name for path in files("users")] == ["id=1", "id=2", "id=3"]
