"""Reading ahead: events in order, failures in their place, bounded memory, nothing left behind."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager, suppress
from threading import Thread

import dativo_native
import pyarrow as pa
import pytest
from dativo_protocol.errors import DownstreamClosed, MessageError, SchemaError, SourceError
from dativo_protocol.events import BatchEvent, EndEvent, InvalidEvent, SchemaEvent, StateEvent, StreamPlan
from dativo_protocol.pipes import write_all
from dativo_protocol.reader import ReadOptions, read_events

COLUMNS = pa.schema([("id", pa.int64()), ("name", pa.utf8())])
EVERY_STATE = ReadOptions(batch_rows=10, epoch_bytes=0, epoch_seconds=0)
SCHEMA = b'{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{},"name":{}}},"key_properties":[]}\n'


@pytest.fixture(autouse=True)
def nothing_leaks():
    before = dativo_native.live_handles()
    yield
    assert dativo_native.live_handles() == before
    assert [thread.name for thread in threading.enumerate() if thread.name == "decode"] == []


def records(*numbers: int, name: str = "x") -> bytes:
    message = {"type": "RECORD", "stream": "s", "record": {"id": 0, "name": name}}
    return b"".join(
        json.dumps(message | {"record": {"id": n, "name": name}}).encode() + b"\n" for n in numbers
    )


def plan(message) -> StreamPlan:
    return StreamPlan(message, COLUMNS)


@contextmanager
def piped(data: bytes, *, end: bool = True):
    """A pipe into which a thread writes `data`."""
    reading, writing = os.pipe()

    def feed() -> None:
        with suppress(DownstreamClosed):
            write_all(writing, data)
        if end:
            os.close(writing)

    thread = Thread(target=feed, daemon=True)
    thread.start()
    yield reading
    os.close(reading)
    thread.join(10)
    if not end:
        os.close(writing)


def read(data: bytes, planner=plan, options: ReadOptions = EVERY_STATE) -> list:
    with piped(data) as source, read_events(source, planner, options) as events:
        return list(events)


def test_events_come_in_the_order_of_the_input():
    data = (
        SCHEMA
        + records(1, 2)
        + b'{"type":"STATE","value":1}\n'
        + records(3)
        + b'{"type":"STATE","value":2}\n'
    )
    schema, first, state, second, end = read(data)
    assert isinstance(schema, SchemaEvent)
    assert schema.plan.schema == COLUMNS
    assert first.batch.to_pylist() == [{"id": 1, "name": "x"}, {"id": 2, "name": "x"}]
    assert state == StateEvent(b"1")
    assert second.batch["id"].to_pylist() == [3]
    assert end == EndEvent(state=b"2", cancelled=False, lines=6, bytes=len(data), records=3)


def test_a_state_followed_by_records_is_no_state_of_the_end():
    events = read(SCHEMA + records(1) + b'{"type":"STATE","value":1}\n' + records(2))
    assert [type(event) for event in events][1:] == [BatchEvent, StateEvent, BatchEvent, EndEvent]
    assert events[-1].state is None


def test_the_plan_is_made_on_the_reading_thread():
    threads = []

    def planner(message) -> StreamPlan:
        threads.append(threading.current_thread().name)
        return plan(message)

    read(SCHEMA, planner)
    assert threads == ["decode"]


def test_a_failure_of_the_planner_comes_after_the_events_before_it():
    def planner(message) -> StreamPlan:
        if message.stream == "bad":
            raise SchemaError("cannot be stored", stream=message.stream)
        return plan(message)

    data = (
        SCHEMA + records(1) + b'{"type":"STATE","value":1}\n' + SCHEMA.replace(b'"s"', b'"bad"') + records(2)
    )
    seen = []
    with piped(data) as source, pytest.raises(SchemaError, match="stream 'bad': cannot be stored"):
        collect(seen, read_events(source, planner, EVERY_STATE))
    assert [type(event) for event in seen] == [SchemaEvent, BatchEvent, StateEvent]


def collect(seen: list, reading) -> None:
    with reading as events:
        seen.extend(events)


def test_columns_the_core_does_not_know_are_a_schema_error():
    odd = pa.schema([("id", pa.duration("s"))])
    with pytest.raises(SchemaError, match="'s'"):
        read(SCHEMA, lambda message: StreamPlan(message, odd))


def test_a_planner_may_ask_for_jsonschema_at_once(caplog):
    schema = SCHEMA.replace(b'"schema":{', b'"schema":{"not":{"properties":{"id":{"const":2}}},')
    events = read(schema + records(1, 2), lambda message: StreamPlan(message, COLUMNS, "jsonschema"))
    assert [event.batch.num_rows for event in events if isinstance(event, BatchEvent)] == [1]
    assert [event.line for event in events if isinstance(event, InvalidEvent)] == [3]
    assert (events[-1].records, events[-1].invalid) == (2, 0)
    assert "slow" not in caplog.text


def test_a_record_that_jsonschema_cannot_take_is_invalid_and_no_failure():
    columns = pa.schema([pa.field("id", pa.utf8(), metadata={b"dativo.json": b"text"})])
    line = b'{"type":"RECORD","stream":"s","record":{"id":%s}}\n'
    data = SCHEMA + line % (b"9" * 5000) + line % b"1"
    events = read(data, lambda message: StreamPlan(message, columns, "jsonschema"))
    [invalid] = [event for event in events if isinstance(event, InvalidEvent)]
    assert invalid.line == 2
    assert invalid.reason.startswith("cannot be validated: ")
    assert [event.batch["id"].to_pylist() for event in events if isinstance(event, BatchEvent)] == [["1"]]


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        (b'{"type":"SCHEMA","stream":"s","schema":{}}\n', SchemaError, "no `properties`"),
        (b'{"type":"BATCH","stream":"s","encoding":{},"manifest":[]}\n', MessageError, "line 2"),
    ],
)
def test_a_message_that_cannot_be_used_is_named(line, error, message):
    with pytest.raises(error, match=message):
        read(b"\n" + line)


def test_a_line_beyond_the_limit_ends_the_run():
    options = ReadOptions(max_line_bytes=1000)
    with pytest.raises(MessageError, match="line 2 "):
        read(SCHEMA + records(1, name="x" * 2000), options=options)


def test_a_source_that_cannot_be_read():
    directory = os.open("/", os.O_RDONLY)
    with pytest.raises(SourceError), read_events(directory, plan, EVERY_STATE) as events:
        list(events)
    os.close(directory)
    with pytest.raises(SourceError):
        read_events(2**20, plan, EVERY_STATE)


def test_reading_ahead_stops_at_the_bound_of_the_queue():
    data = SCHEMA + records(*range(200), name="x" * 100_000)
    options = ReadOptions(batch_rows=1, queue_bytes=1_000_000)
    taken = 0
    with piped(data) as source, read_events(source, plan, options) as events:
        iterator = iter(events)
        while not isinstance(next(iterator), BatchEvent):
            pass
        time.sleep(1)
        # what was read ahead: the queue, the reader's own buffers, the pipe
        assert remaining(source) > 0
        before = time.monotonic()
        for event in iterator:
            taken += isinstance(event, BatchEvent)
    assert taken == 199
    assert time.monotonic() - before < 10


def remaining(descriptor: int) -> int:
    """Bytes waiting in a pipe."""
    import fcntl
    import struct
    import termios

    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0]


def test_leaving_early_leaves_nothing_behind():
    data = SCHEMA + records(*range(1000), name="x" * 10_000)
    options = ReadOptions(batch_rows=1, queue_bytes=100_000)
    with piped(data) as source, read_events(source, plan, options) as events:
        next(iter(events))
        time.sleep(0.3)  # the reading thread waits for room in the queue


def test_cancelling_ends_a_wait_for_input_at_once():
    with piped(SCHEMA + records(1), end=False) as source, read_events(source, plan, EVERY_STATE) as events:
        iterator = iter(events)
        next(iterator)
        threading.Timer(0.3, events.cancel).start()
        began = time.monotonic()
        assert list(iterator) == [EndEvent(state=None, cancelled=True, lines=0, bytes=0)]
        assert time.monotonic() - began < 20


def test_cancelling_drops_what_was_read_ahead():
    data = SCHEMA + records(*range(100)) + b'{"type":"STATE","value":1}\n' + records(1)
    with piped(data, end=False) as source, read_events(source, plan, EVERY_STATE) as events:
        iterator = iter(events)
        next(iterator)
        time.sleep(0.5)
        events.cancel()
        assert [type(event) for event in iterator] == [EndEvent]
