"""BATCH messages among the others: in order, after their files, never for what a failure left (B1)."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from dativo_protocol.batch_files import BatchFiles
from dativo_protocol.batch_settings import BatchSettings
from dativo_protocol.config import load_settings
from dativo_protocol.errors import StoreError
from dativo_protocol.messages import SchemaMessage
from dativo_protocol.signals import Stopped
from dativo_protocol.writer import MessageWriter

COLUMNS = pa.schema([("id", pa.int64())])
SCHEMA = SchemaMessage("s", {"properties": {"id": {"type": "integer"}}}, ("id",))


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def output(tmp_path, spool):
    """Opens a writer of batches, and reads what it wrote."""
    path = tmp_path / "out"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)

    def make(**more):
        raw = {"encoding": {"format": "arrow"}, "storage": {"root": str(spool)}, **more}
        return MessageWriter(descriptor, batches=load_settings(BatchSettings, raw))

    yield make, lambda: [json.loads(line) for line in path.read_bytes().splitlines()]
    os.close(descriptor)


def rows(start, end):
    return pa.record_batch([list(range(start, end))], schema=COLUMNS)


def write_until(end, out, count=3):
    with out.stream("s", COLUMNS) as records:
        for start in range(count):
            records.write(rows(start, start + 1))
        raise end


def ids(message):
    [uri] = message["manifest"]
    with pa.ipc.open_file(urlsplit(uri).path) as reader:
        return [record["id"] for record in reader.read_all().to_pylist()]


def outline(lines):
    return [ids(line) if line["type"] == "BATCH" else line["type"] for line in lines]


def test_a_state_comes_after_the_rows_before_it(output):
    make, lines = output
    out = make(batch_size=2)
    out.schema(SCHEMA)
    with out.stream("s", COLUMNS) as records:
        records.write(rows(0, 3))
        out.state({"a": 1})
        records.write(rows(3, 4))
        records.write(rows(4, 6))
    out.state({"a": 2})
    assert outline(lines()) == ["SCHEMA", [0, 1], [2], "STATE", [3, 4], [5], "STATE"]
    assert lines()[1] | {"manifest": []} == {
        "type": "BATCH",
        "stream": "s",
        "encoding": {"format": "arrow"},
        "manifest": [],
    }


def test_a_schema_and_an_activate_version_come_after_the_rows_before_them_too(output):
    make, lines = output
    out = make()
    out.schema(SCHEMA)
    with out.stream("s", COLUMNS, version=7) as records:
        records.write(rows(0, 1))
        out.schema(SCHEMA)
        records.write(rows(1, 2))
        out.activate_version("s", 7)
    assert outline(lines()) == ["SCHEMA", [0], "SCHEMA", [1], "ACTIVATE_VERSION"]
    assert lines()[1]["version"] == 7


def test_streams_may_interleave(output):
    make, lines = output
    out = make()
    with out.stream("a", COLUMNS) as first, out.stream("b", COLUMNS) as second:
        first.write(rows(0, 1))
        second.write(rows(1, 2))
        first.write(rows(2, 3))
        out.state({"a": 1})
    assert [(line.get("stream"), line.get("type")) for line in lines()] == [
        ("a", "BATCH"),
        ("b", "BATCH"),
        (None, "STATE"),
    ]
    assert outline(lines()) == [[0, 2], [1], "STATE"]


def test_a_table_is_as_good_as_a_batch_and_counts(output):
    make, lines = output
    out = make()
    with out.stream("s", COLUMNS) as records:
        records.write(pa.Table.from_batches([rows(0, 2), rows(2, 3)]))
    assert outline(lines()) == [[0, 1, 2]]
    assert out.counters.records() == {"s": 3}


def test_a_failure_takes_the_open_file_along(output, spool):
    make, lines = output
    out = make(batch_size=2)
    with pytest.raises(ZeroDivisionError):
        write_until(ZeroDivisionError(), out)
    assert all(line["type"] == "BATCH" for line in lines())
    out.state({"a": 1})
    assert not [path for path in spool.iterdir() if path.name.endswith(".tmp")]


def test_a_stop_does_not(output):
    """The last STATE covers what was taken, so it must arrive (S3)."""
    make, lines = output
    out = make()
    with pytest.raises(Stopped):
        write_until(Stopped(signal.SIGTERM), out)
    out.state({"a": 1})
    assert outline(lines()) == [[0, 1, 2], "STATE"]


def test_what_the_thread_meets_is_raised_where_rows_are_given(output, spool):
    make, _ = output
    spool.write_text("in the way")
    others = threading.active_count()
    out = make(batch_size=1)
    with pytest.raises(StoreError, match="cannot write batch files"):
        write_until(AssertionError("it was not raised"), out, count=100)
    assert threading.active_count() == others


def test_rows_that_come_faster_than_they_are_written_wait(output, monkeypatch):
    make, lines = output
    may_write, write, taken = threading.Event(), BatchFiles.write, []

    def slow(self: BatchFiles, batch):
        may_write.wait(10)
        return write(self, batch)

    monkeypatch.setattr(BatchFiles, "write", slow)
    out = make()

    def give():
        with out.stream("s", COLUMNS) as records:
            for start in range(20):
                records.write(rows(start, start + 1))
                taken.append(start)

    giver = threading.Thread(target=give)
    giver.start()
    giver.join(timeout=0.5)
    assert len(taken) < 6
    may_write.set()
    giver.join()
    assert outline(lines()) == [list(range(20))]


def test_messages_are_not_written_before_their_files(output, monkeypatch):
    make, _ = output
    out = make(batch_size=1)
    seen = []
    batch = MessageWriter.batch

    def watched(self: MessageWriter, message):
        seen.extend(Path(urlsplit(uri).path).exists() for uri in message.manifest)
        batch(self, message)

    monkeypatch.setattr(MessageWriter, "batch", watched)
    with out.stream("s", COLUMNS) as records:
        records.write(rows(0, 5))
    assert seen == [True] * 5
