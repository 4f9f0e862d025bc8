"""The reader on real pipes and in feed mode: waiting, cancelling, closing, and what it borrows."""

import os
import threading
import time

import pyarrow as pa
import pytest
from dativo_native import EventKind, InvalidArgument, ReaderOptions, RecordReader

SCHEMA = pa.schema([("a", pa.int64())])
SCHEMA_LINE = b'{"type":"SCHEMA","stream":"s","schema":{"properties":{"a":{}}},"key_properties":[]}\n'
STATE_LINE = b'{"type":"STATE","value":{"n": 1.0}}\n'


def record(value):
    return b'{"type":"RECORD","stream":"s","record":{"a":%d}}\n' % value


@pytest.fixture
def pipe():
    """Both ends of a pipe; whatever a test leaves open is closed."""
    ends = dict(zip(("readable", "writable"), os.pipe(), strict=True))
    yield ends
    for end in ends.values():
        os.close(end)


def until_end(reader):
    events = []
    while not events or events[-1].kind is not EventKind.END:
        events.append(reader.next())
        if events[-1].kind is EventKind.SCHEMA:
            reader.plan(events[-1].stream, SCHEMA)
    return events


def kinds(events):
    return [event.kind.name for event in events]


def test_events_of_a_small_stream():
    with RecordReader(None) as reader:
        reader.feed(SCHEMA_LINE + record(1) + record(2) + STATE_LINE + record(3))
        reader.finish()
        events = until_end(reader)
        stats = reader.stats()
    assert kinds(events) == ["SCHEMA", "BATCH", "STATE", "BATCH", "END"]
    schema, batch, state, rest, end = events
    assert (schema.line, schema.stream, schema.text) == (1, "s", SCHEMA_LINE.rstrip())
    assert (batch.line, batch.stream, batch.rows, batch.batch) == (3, "s", 2, pa.record_batch({"a": [1, 2]}))
    assert (state.line, state.stream, state.text) == (4, None, b'{"n": 1.0}')
    assert (rest.line, rest.batch.to_pylist()) == (5, [{"a": 3}])
    assert (end.reason, end.batch) == ("", None)
    assert (stats.lines, stats.records, stats.invalid, stats.blank) == (5, 3, 0, 0)


def test_batches_outlive_their_reader():
    """The buffers are the core's; they are released with the batch, not with the reader."""
    with RecordReader(None) as reader:
        reader.feed(SCHEMA_LINE + b"".join(map(record, range(10_000))))
        reader.finish()
        batches = [event.batch for event in until_end(reader) if event.batch is not None]
    assert pa.Table.from_batches(batches)["a"].to_pylist() == list(range(10_000))


def test_batch_has_the_planned_schema_with_its_metadata():
    schema = pa.schema([pa.field("a", pa.int64(), metadata={"x": "y"})], metadata={"z": "w"})
    with RecordReader(None) as reader:
        reader.feed(SCHEMA_LINE)
        reader.feed(record(1))
        reader.finish()
        assert reader.next().kind is EventKind.SCHEMA
        reader.plan("s", schema)
        assert reader.next().batch.schema.equals(schema, check_metadata=True)


def test_feed_takes_any_bytes_and_any_split():
    data = SCHEMA_LINE + record(12345)
    with RecordReader(None) as reader:
        for position in range(len(data)):
            reader.feed(memoryview(data)[position : position + 1])
            event = reader.next()
            if event.kind is EventKind.SCHEMA:
                reader.plan("s", SCHEMA)
        reader.finish()
        assert reader.next().batch.to_pylist() == [{"a": 12345}]


def test_slow_writer_is_waited_for_and_idle_is_said(pipe):
    def write():
        for part in (SCHEMA_LINE, record(1)[:20], record(1)[20:], STATE_LINE):
            time.sleep(0.15)
            os.write(pipe["writable"], part)
        os.close(pipe.pop("writable"))

    writer = threading.Thread(target=write)
    with RecordReader(pipe["readable"], ReaderOptions(idle_millis=40)) as reader:
        writer.start()
        events = until_end(reader)
    writer.join()
    assert kinds(event for event in events if event.kind is not EventKind.IDLE) == [
        "SCHEMA",
        "BATCH",
        "STATE",
        "END",
    ]
    assert kinds(events).count("IDLE") >= 4


def test_descriptor_is_not_closed(pipe):
    with RecordReader(pipe["readable"]):
        pass
    os.write(pipe["writable"], b"still open")
    assert os.read(pipe["readable"], 100) == b"still open"


def test_non_blocking_descriptor_is_waited_for(pipe):
    os.set_blocking(pipe["readable"], False)
    with RecordReader(pipe["readable"], ReaderOptions(idle_millis=10)) as reader:
        assert reader.next().kind is EventKind.IDLE
        os.write(pipe["writable"], SCHEMA_LINE)
        assert reader.next().kind is EventKind.SCHEMA


def test_regular_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "in.singer"
    path.write_bytes(SCHEMA_LINE + b"".join(map(record, range(70_000))))
    with path.open("rb") as file, RecordReader(file.fileno()) as reader:
        rows = [event.rows for event in until_end(reader) if event.kind is EventKind.BATCH]
    assert rows == [65_536, 70_000 - 65_536]


def test_cancel_from_another_thread_ends_the_wait_at_once(pipe):
    with RecordReader(pipe["readable"], ReaderOptions(idle_millis=60_000)) as reader:
        os.write(pipe["writable"], SCHEMA_LINE + record(1))
        assert reader.next().kind is EventKind.SCHEMA
        reader.plan("s", SCHEMA)
        threading.Timer(0.1, reader.cancel).start()
        start = time.monotonic()
        event = reader.next()
        assert time.monotonic() - start < 5
        assert (event.kind, event.reason) == (EventKind.END, "cancelled")
        assert reader.next().reason == "cancelled"


def test_close_from_another_thread_waits_for_the_running_call(pipe):
    reader = RecordReader(pipe["readable"], ReaderOptions(idle_millis=60_000))
    events = []
    waiting = threading.Thread(target=lambda: events.append(reader.next()))
    waiting.start()
    time.sleep(0.1)
    reader.close()
    waiting.join(timeout=5)
    assert [(event.kind, event.reason) for event in events] == [(EventKind.END, "cancelled")]


def test_stats_can_be_read_while_another_thread_waits(pipe):
    with RecordReader(pipe["readable"], ReaderOptions(idle_millis=60_000)) as reader:
        os.write(pipe["writable"], SCHEMA_LINE)
        assert reader.next().kind is EventKind.SCHEMA
        waiting = threading.Thread(target=reader.next)
        waiting.start()
        time.sleep(0.1)
        assert (reader.stats().lines, reader.stats().bytes) == (1, len(SCHEMA_LINE))
        reader.cancel()
        waiting.join(timeout=5)


def test_closed_reader_refuses_work_and_closes_and_cancels_again():
    reader = RecordReader(None)
    reader.close()
    reader.close()
    reader.cancel()
    for call in (reader.next, reader.finish, reader.stats, lambda: reader.feed(b"x")):
        with pytest.raises(InvalidArgument, match="closed"):
            call()


def test_feed_and_finish_of_a_descriptor_are_refused(pipe):
    with RecordReader(pipe["readable"]) as reader, pytest.raises(InvalidArgument):
        reader.finish()


def test_streams_and_texts_are_unicode_with_nul():
    line = '{"type":"RECORD","stream":"ž\\u0000🦀","record":{}}'.encode()
    with RecordReader(None) as reader:
        reader.feed(line + b"\n")
        reader.finish()
        event = reader.next()
    assert (event.kind, event.stream, event.text) == (EventKind.INVALID, "ž\0🦀", line)
    assert event.reason == "record before schema"


@pytest.mark.parametrize(("length", "cut"), [(64 << 10, False), ((64 << 10) + 1, True)])
def test_of_a_long_invalid_line_the_beginning_is_kept_and_the_reason_says_so(length, cut):
    line = b"x" * length
    with RecordReader(None) as reader:
        reader.feed(line + b"\n")
        reader.finish()
        event = reader.next()
    assert (event.kind, event.text) == (EventKind.INVALID, line[: 64 << 10])
    assert event.reason.endswith(" (the line is kept up to 64 KiB)") == cut
