"""Lines and records that do not fit, through the executable: ended at, kept aside, or skipped and counted."""

import gzip
import json
import re
import signal
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import peak_memory

INTEGER = {"type": "integer"}
SMALL = {"type": "integer", "maximum": 100}
SUMMARY = re.compile(r"([\d,]+) records read: ([\d,]+) written, ([\d,]+) quarantined, ([\d,]+) skipped")
ODD = {"not": {"required": ["odd"]}}
"""A keyword that the native core leaves to the jsonschema library."""


def summary(outcome):
    """The counts that the run says itself: read, written, quarantined, skipped."""
    [found] = SUMMARY.findall(outcome.stderr)
    return tuple(int(count.replace(",", "")) for count in found)


def schema(stream="users", *, keys=("id",), **more):
    document = {"type": "object", "properties": {"id": SMALL, "odd": INTEGER}, **more}
    return {"type": "SCHEMA", "stream": stream, "schema": document, "key_properties": list(keys)}


def record(stream="users", **fields):
    return {"type": "RECORD", "stream": stream, "record": fields}


def batch(tmp_path, *lines, compress=False):
    path = tmp_path / "batch.jsonl"
    data = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(data) if compress else data)
    encoding = {"format": "jsonl", "compression": "gzip" if compress else "none"}
    return {"type": "BATCH", "stream": "users", "encoding": encoding, "manifest": [str(path)]}


def from_record(raw, path, reason, **schema_more):
    return lambda _: ([schema(**schema_more), record(id=1), raw, record(id=2)], "users", 3, path, reason)


def from_batch(raw, path, reason, *, compress=False, **schema_more):
    """The third line is the second of the file."""

    def messages(tmp_path):
        lines = [b'{"id":1}', raw, b'{"id":2}']
        message = batch(tmp_path, *lines, compress=compress)
        return [schema(**schema_more), message], "users", 2, path, reason

    return messages


def from_unknown(raw, stream, reason):
    return lambda _: ([schema(), record(id=1), raw, record(id=2)], stream, 3, "", reason)


SOURCES = {
    "no json": from_unknown(b'{"type":"RECORD","stream":"users","record":{"id"\n', "users", "malformed JSON"),
    "no object": from_unknown(b"[1, 2]\n", None, ""),
    "no utf-8": from_unknown(b'{"type":"RECORD","stream":"users","record":{"id":"\xff"}}\n', None, "UTF-8"),
    "no type": from_unknown(b'{"stream":"users"}\n', "users", "message without a type"),
    "no schema": from_unknown(b'{"type":"RECORD","stream":"x","record":{}}\n', "x", "record before schema"),
    "wrong type": from_record(record(id="x"), "/id", "expected integer, got string"),
    "key missing": from_record(record(odd=1), "/id", "key property missing"),
    "validation": from_record(record(id=101), "/id", "maximum"),
    "jsonschema": from_record(record(id=3, odd=1), "", "does not satisfy not", **ODD),
    "jsonschema, wrong type": from_record(record(id="x"), "/id", "expected integer, got string", **ODD),
    "batch, no json": from_batch(b'{"id":', "", "malformed JSON"),
    "batch, wrong type": from_batch(b'{"id":"x"}', "/id", "expected integer, got string"),
    "batch, gzip": from_batch(b'{"id":101}', "/id", "maximum", compress=True),
    "batch, jsonschema": from_batch(b'{"id":3,"odd":1}', "", "does not satisfy not", **ODD),
}
every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@every_source
def test_a_bad_record_ends_the_run_by_default(load, files, tmp_path, source):
    messages, _, line, path, reason = source(tmp_path)
    outcome = load(*messages)
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert f"line {line}" in outcome.stderr
    assert path.strip("/") in outcome.stderr
    assert reason in outcome.stderr
    assert files() == []


@every_source
def test_a_bad_record_is_kept_in_quarantine(load, read, tmp_path, source):
    messages, stream, line, path, reason = source(tmp_path)
    before = datetime.now(UTC)
    outcome = load(*messages, {"type": "STATE", "value": 1}, on_invalid="quarantine")
    assert (outcome.code, outcome.stdout) == (0, b"1\n"), outcome.stderr
    assert sorted(row["id"] for row in read("users")) == [1, 2]
    [row] = read("_quarantine")
    assert (row["stream"], row["line"], row["path"], row["number"]) == (stream, line, path, 1)
    assert reason in row["reason"]
    assert before <= row["quarantined_at"] <= before + timedelta(minutes=5)
    assert summary(outcome) == (3, 2, 1, 0)
    assert f"line {line}" in outcome.stderr


@every_source
def test_a_bad_record_is_skipped_and_counted(load, read, destination, tmp_path, source):
    messages, _, line, path, reason = source(tmp_path)
    outcome = load(*messages, {"type": "STATE", "value": 1}, on_invalid="skip")
    assert (outcome.code, outcome.stdout) == (0, b"1\n"), outcome.stderr
    assert sorted(row["id"] for row in read("users")) == [1, 2]
    assert summary(outcome) == (3, 2, 0, 1)
    [warning] = [each for each in outcome.stderr.splitlines() if "the record is skipped" in each]
    assert f"line {line}" in warning
    assert path.strip("/") in warning
    assert reason in warning
    assert not (destination / "_quarantine").exists()


def test_the_counts_are_metrics_too(load):
    outcome = load(schema(), record(id=1), record(id="x"), b"{\n", on_invalid="quarantine")
    points = [json.loads(each) for each in re.findall(r"METRIC: (.*)", outcome.stderr)]
    counts = {point["metric"]: point["value"] for point in points}
    expected = {"records_read": 3, "records_written": 1, "records_quarantined": 2, "records_skipped": 0}
    assert expected.items() <= counts.items()


def test_rows_of_batch_files_with_types_are_read_and_written(load, tmp_path):
    pq.write_table(pa.table({"id": [1, 2, 3]}), tmp_path / "batch.parquet")
    message = batch(tmp_path) | {
        "encoding": {"format": "parquet"},
        "manifest": [str(tmp_path / "batch.parquet")],
    }
    assert summary(load(schema(), record(id=4), message, record(id="x"), on_invalid="skip")) == (5, 4, 0, 1)


def test_blank_lines_of_a_batch_file_are_counted_as_lines_alone(load, read, tmp_path):
    message = batch(tmp_path, b'{"id":1}', b"", b"\r", b'{"id":"x"}', b"")
    outcome = load(schema(), message, on_invalid="quarantine")
    assert summary(outcome) == (2, 1, 1, 0)
    assert [row["line"] for row in read("_quarantine")] == [4]


def test_a_line_is_kept_byte_by_byte(load, read):
    raw = b'{"type":"RECORD","stream":"users","record":{"id":\xc3\x28, "\xf0\x9f\xa6\x80": \xff}}'
    text = '{"type":"RECORD", "stream":"users", "record":{"id":"🦀\\u0000"}}'
    outcome = load(schema(), raw + b"\n", text.encode() + b"\r\n", on_invalid="quarantine")
    assert outcome.code == 0
    first, second = read("_quarantine")
    assert first["raw_bytes"] == raw
    assert first["raw"] == raw.decode(errors="replace")
    assert (second["raw"], second["raw_bytes"]) == (text, None)


@pytest.mark.parametrize("more", [{}, ODD], ids=["native", "jsonschema"])
def test_of_a_long_line_the_beginning_is_kept_and_the_reason_says_so(load, read, more):
    long = schema(**more)
    long["schema"]["properties"]["text"] = {"type": "string", "maxLength": 10}
    bad = record(id=1, odd=1, text="x" * 100_000)
    outcome = load(long, bad, record(id=2, odd="x", text=""), on_invalid="quarantine")
    assert outcome.code == 0, outcome.stderr
    first, second = sorted(read("_quarantine"), key=lambda row: row["line"])
    assert len(first["raw"]) == 64 << 10
    assert first["raw"].startswith('{"type"')
    assert first["reason"].endswith("(the line is kept up to 64 KiB)")
    assert "64 KiB" not in second["reason"]


def test_rows_name_the_schema_they_were_held_against(load, read):
    wider = schema(title="another")
    outcome = load(
        schema(), record(id="a"), wider, record(id="b"), schema(), record(id="c"), on_invalid="quarantine"
    )
    assert outcome.code == 0
    first, second, third = (row["schema_version"] for row in read("_quarantine"))
    assert first == third != second
    kept = {row["schema_version"]: json.loads(row["message"]) for row in read("_quarantine_schemas")}
    assert kept == {first: schema(), second: wider}


def test_each_run_and_pipeline_has_its_own_rows(load, read):
    for pipeline in ("one", "two", "two"):
        assert load(schema(), record(id="a"), on_invalid="quarantine", pipeline=pipeline).code == 0
    rows = read("_quarantine")
    assert sorted(row["pipeline"] for row in rows) == ["one", "two", "two"]
    assert len({row["run_id"] for row in rows}) == 3


def test_rows_are_published_with_the_epoch_they_belong_to(begin, read, lines, destination):
    every_state = {"epoch_max_bytes": 0, "epoch_max_seconds": 0}
    state = {"type": "STATE", "value": 1}
    with begin(on_invalid="quarantine", **every_state) as running:
        running.send(
            lines(schema(), record(id=1), record(id="a"), state, record(id=2), record(id="b"), b"\n")
        )
        assert running.read_line() == b"1\n"
        assert [row["line"] for row in read("_quarantine")] == [3]
        assert [row["id"] for row in read("users")] == [1]
        running.signal(signal.SIGKILL)
    assert len(list((destination / "_quarantine").iterdir())) == 1


def test_an_epoch_of_bad_records_alone_is_published(load, read, files):
    outcome = load(schema(), record(id="a"), {"type": "STATE", "value": 7}, on_invalid="quarantine")
    assert (outcome.code, outcome.stdout) == (0, b"7\n")
    assert files("users") == []
    assert len(read("_quarantine")) == 1


def test_what_is_in_quarantine_stays_when_streams_are_overwritten(load, read):
    for number in (1, 2):
        outcome = load(
            schema(), record(id=number), record(id="a"), on_invalid="quarantine", load_method="overwrite"
        )
        assert outcome.code == 0, outcome.stderr
    assert [row["id"] for row in read("users")] == [2]
    assert len(read("_quarantine")) == 2


def test_settings_of_streams_do_not_concern_the_quarantine(load, read, files):
    outcome = load(
        schema(),
        record(id=1, odd=5),
        record(id="a"),
        on_invalid="quarantine",
        partition_by=["odd"],
        add_record_metadata=True,
        file_naming="{stream}-{run}-{part}.parquet",
    )
    assert outcome.code == 0, outcome.stderr
    [file] = files("_quarantine")
    assert file.name.startswith("%5Fquarantine-")
    assert "_sdc_received_at" not in read("_quarantine")[0]


def test_readers_of_the_whole_destination_pass_over_it(load, destination):
    import pyarrow.dataset as ds

    assert load(schema(), record(id=1), record(id="a"), on_invalid="quarantine").code == 0
    assert ds.dataset(destination).to_table().to_pylist() == [{"id": 1, "odd": None}]


@pytest.mark.parametrize("name", ["_quarantine", "_quarantine_schemas", "_quarantine_replayed"])
@pytest.mark.parametrize("policy", ["fail", "quarantine"])
def test_a_stream_of_such_a_name_is_refused(load, files, name, policy):
    outcome = load(schema(name), record(name, id=1), on_invalid=policy)
    assert outcome.code == 1
    assert f"stream '{name}' has a name that the target keeps for invalid records" in outcome.stderr
    assert files() == []


def test_each_kind_is_warned_of_once(load):
    bad = [record(id="a"), record(id="b"), record(id=101), b"{\n", b"{\n"]
    outcome = load(schema(), *bad, on_invalid="skip")
    assert summary(outcome) == (5, 0, 0, 5)
    assert outcome.stderr.count("the record is skipped") == 3


def test_warnings_are_bounded(load):
    bad = [record(f"stream {number}", id=1) for number in range(300)]
    outcome = load(schema(), *bad, on_invalid="quarantine")
    assert summary(outcome) == (300, 0, 300, 0)
    assert outcome.stderr.count("the record is quarantined") == 100
    assert outcome.stderr.count("further kinds are counted, but not named") == 1


@pytest.mark.parametrize("policy", ["quarantine", "skip"])
@pytest.mark.parametrize(
    "broken",
    [
        b'{"type":"SCHEMA","stream":"users","schema":{"properties":{"id"\n',
        b'{"stream":"users", "type" : "schema"}\n',
        b'{"type":"SCHEMA","schema":{"properties":{"\xff":{}}},"stream":"users"}\n',
    ],
    ids=["cut", "without a schema", "no utf-8"],
)
def test_a_schema_that_cannot_be_read_ends_the_run_in_any_case(load, files, policy, broken):
    outcome = load(schema(), record(id=1), broken, record(id=2), on_invalid=policy)
    assert outcome.code == 1
    assert "line 3" in outcome.stderr
    assert files() == []


def test_a_record_that_speaks_of_schemas_is_none(load):
    bad = record(id="x", odd={"type": "SCHEMA"})
    raw = b'{"type":"RECORD","stream":"x","record":{"type":"SCHEMA"}}\n'
    assert summary(load(schema(), bad, raw, on_invalid="skip")) == (2, 0, 0, 2)


@pytest.mark.parametrize("format_", ["arrow", "parquet"])
def test_rows_of_files_with_types_go_the_same_way(load, read, tmp_path, format_):
    """A row of such a file that breaks a rule of the SCHEMA is kept as the record it would have been."""
    table = pa.table({"id": [1, 101, 2]})
    path = tmp_path / f"batch.{format_}"
    if format_ == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    message = batch(tmp_path) | {"encoding": {"format": format_}, "manifest": [str(path)]}
    outcome = load(schema(), message, on_invalid="quarantine")
    assert outcome.code == 0, outcome.stderr
    assert summary(outcome) == (3, 2, 1, 0)
    [row] = read("_quarantine")
    assert (row["stream"], row["line"], row["path"]) == ("users", 2, "/id")
    assert json.loads(row["raw"])["record"]["id"] == 101


@pytest.mark.parametrize("policy", ["quarantine", "skip"])
def test_memory_does_not_grow_with_bad_records(command, lines, policy):
    """Kept as Python objects they would have more than twice what is allowed here."""
    bad = [record(id=f"{number:0300}") for number in range(1_000)]
    block = lines(*bad)
    command = command(on_invalid=policy)
    assert peak_memory(command, [lines(schema()), *[block] * 200]) < 200
