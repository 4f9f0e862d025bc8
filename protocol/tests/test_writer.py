"""Messages to a descriptor: whole, in order, in large writes, and no further than the reader wants."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from threading import Thread

import dativo_native
import pyarrow as pa
import pytest
from dativo_protocol.errors import DownstreamClosed
from dativo_protocol.messages import BatchEncoding, BatchMessage, SchemaMessage
from dativo_protocol.pipes import PIPE_BYTES, widen_pipe, write_all
from dativo_protocol.writer import ENCODED_BYTES, MessageWriter, RecordLimitReached

COLUMNS = pa.schema([("id", pa.int64()), ("name", pa.utf8())])


@pytest.fixture(autouse=True)
def nothing_leaks():
    before = dativo_native.live_handles()
    yield
    assert dativo_native.live_handles() == before


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "out"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    yield descriptor, lambda: [json.loads(line) for line in path.read_bytes().splitlines()]
    os.close(descriptor)


def rows(start: int, end: int, name: str = "näme") -> pa.RecordBatch:
    numbers = range(start, end)
    return pa.record_batch([list(numbers), [f"{name} {number}" for number in numbers]], schema=COLUMNS)


def test_each_kind_of_message_is_a_line(output):
    descriptor, lines = output
    out = MessageWriter(descriptor)
    out.schema(SchemaMessage("s", {"properties": {}}, ("id",)))
    out.batch(BatchMessage("s", BatchEncoding("jsonl", "gzip"), ("file:///a",)))
    out.activate_version("s", 5)
    out.state({"bookmarks": {}})
    assert [line["type"] for line in lines()] == ["SCHEMA", "BATCH", "ACTIVATE_VERSION", "STATE"]
    assert lines()[0]["key_properties"] == ["id"]
    assert lines()[1]["manifest"] == ["file:///a"]


def test_a_state_equal_to_the_one_before_is_not_repeated(output):  # K6
    descriptor, lines = output
    out = MessageWriter(descriptor)
    for value in ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 1}):
        out.state(value)
    assert [line["value"] for line in lines()] == [{"a": 1}, {"a": 2}, {"a": 1}]


def test_batches_and_tables_become_records_in_order(output):
    descriptor, lines = output
    out = MessageWriter(descriptor)
    with out.stream("s", COLUMNS, version=7) as records:
        records.write(rows(0, 3000), "2024-01-01T00:00:00+00:00")
        records.write(pa.Table.from_batches([rows(3000, 3001), rows(3001, 5000)]))
        records.write(rows(0, 0))
    assert [line["record"]["id"] for line in lines()] == list(range(5000))
    assert lines()[0] == {
        "type": "RECORD",
        "stream": "s",
        "record": {"id": 0, "name": "näme 0"},
        "version": 7,
        "time_extracted": "2024-01-01T00:00:00+00:00",
    }
    assert lines()[4999]["time_extracted"].endswith("+00:00")
    assert out.counters.records() == {"s": 5000}


def test_the_end_of_a_stream_is_logged_with_its_time_and_its_bytes(output, caplog):  # L4
    descriptor, _ = output
    out = MessageWriter(descriptor)
    with caplog.at_level("INFO"), out.stream("s", COLUMNS) as records:
        records.write(rows(0, 3000))
    points = [record.args[0] for record in caplog.records if record.name == "singer_sdk.metrics"]
    values = {point.metric: point.value for point in points}
    assert values["record_count"] == 3000
    assert values["record_bytes"] == os.lseek(descriptor, 0, os.SEEK_END)
    assert values["sync_duration"] > 0
    assert all(point.tags["stream"] == "s" for point in points)


def test_lines_are_written_in_pieces_near_the_size_the_pipe_likes(output):
    descriptor, lines = output
    pieces = []

    @contextmanager
    def counting():
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        yield
        pieces.append(os.lseek(descriptor, 0, os.SEEK_CUR) - before)

    out = MessageWriter(descriptor, hold=counting)
    with out.stream("s", COLUMNS) as records:
        records.write(rows(0, 50_000, "x" * 400))
        records.write(rows(50_000, 50_005, "y" * 3_000_000))
    assert [line["record"]["id"] for line in lines()] == list(range(50_005))
    assert all(ENCODED_BYTES * 0.8 < piece < ENCODED_BYTES * 1.2 for piece in pieces[1:6]), pieces
    assert max(pieces) < ENCODED_BYTES * 2
    assert len(pieces) < 15


def test_a_limit_stops_after_so_many_records_of_each_stream(output):
    descriptor, lines = output
    out = MessageWriter(descriptor, record_limit=1500)
    for stream in ("a", "b"):
        with pytest.raises(RecordLimitReached), out.stream(stream, COLUMNS) as records:
            records.write(rows(0, 5000))
    assert [line["stream"] for line in lines()].count("a") == 1500
    assert len(lines()) == 3000


def test_a_reader_that_left_is_noticed_and_the_encoder_let_go():  # S4
    reading, writing = os.pipe()
    os.close(reading)
    out = MessageWriter(writing)
    with pytest.raises(DownstreamClosed), out.stream("s", COLUMNS) as records:
        records.write(rows(0, 10))
    with pytest.raises(DownstreamClosed):
        out.state({"a": 1})
    os.close(writing)


def test_a_descriptor_that_does_not_block_is_waited_for():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = os.urandom(3 << 20)
    received = bytearray()

    def slowly() -> None:
        while chunk := os.read(reading, 1 << 18):
            received.extend(chunk)
            time.sleep(0.005)

    thread = Thread(target=slowly)
    thread.start()
    write_all(writing, data)
    os.close(writing)
    thread.join()
    os.close(reading)
    assert bytes(received) == data


def test_pipes_get_a_large_buffer_and_files_are_left_alone(output):
    reading, writing = os.pipe()
    widen_pipe(writing)
    assert fcntl.fcntl(reading, fcntl.F_GETPIPE_SZ) == PIPE_BYTES
    widen_pipe(output[0])
    os.close(reading)
    os.close(writing)
