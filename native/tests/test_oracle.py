"""The core against Python's own libraries, on generated schemas and records (issue 2)."""

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from dativo_native import EventKind, ReaderOptions, RecordEncoder, RecordReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .kinds import KINDS, SPACES, columns, object_texts, spaced

SCHEMA_LINE = b'{"type":"SCHEMA","stream":"s","schema":{"properties":{}},"key_properties":[]}\n'
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\n\n"])
ENOUGH = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def read(schema, data, options=None, chunk=1 << 20):
    """Everything the core makes of `data`, fed in chunks."""
    events = []
    with RecordReader(None, options or ReaderOptions()) as reader:
        position = 0
        while not events or events[-1].kind is not EventKind.END:
            event = reader.next()
            events.append(event)
            if event.kind is EventKind.SCHEMA:
                reader.plan(event.stream, schema)
            elif event.kind is EventKind.NEED_INPUT and position < len(data):
                reader.feed(data[position : position + chunk])
                position += chunk
            elif event.kind is EventKind.NEED_INPUT:
                reader.finish()
    return events


def rows_of(events):
    batches = [event.batch for event in events if event.kind is EventKind.BATCH]
    for batch in batches:
        batch.validate(full=True)
    return [row for batch in batches for row in batch.to_pylist()]


def record_line(draw, record):
    parts = [("type", '"RECORD"'), ("stream", '"s"'), ("record", record)]
    if draw(st.booleans()):
        parts.append(("time_extracted", '"2024-01-01T00:00:00Z"'))
    members = [f'"{name}"{draw(spaced(":"))}{text}' for name, text in draw(st.permutations(parts))]
    return draw(SPACES) + "{" + draw(spaced(",")).join(members) + "}" + draw(SPACES)


@st.composite
def planned_lines(draw):
    """Columns and lines of records for them, of which some cannot be used."""
    members = draw(columns(KINDS, at_least=1))
    records = draw(st.lists(object_texts(members), max_size=6))
    lines = [record_line(draw, record) for record in records]
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(UNUSABLE)))
    return members, lines


UNUSABLE = [
    '{"type":"RECORD","stream":"s","record":7}',
    '{"type":"RECORD","stream":"s","record":{}} trailing',
    '{"type":"RECORD","stream":"s","record":{"a":',
    "[]",
    "nonsense",
]


@ENOUGH
@given(planned_lines(), st.sampled_from([7, 64, 1 << 20]), LINE_ENDS, st.integers(1, 4))
def test_decoded_lines_are_what_json_and_pyarrow_make_of_them(planned, chunk, line_end, batch_rows):
    members, lines = planned
    schema = pa.schema([kind.field(name) for name, kind in members.items()])
    usable = [line for line in lines if line not in UNUSABLE]
    parsed = [json.loads(line, parse_float=Decimal)["record"] for line in usable]
    expected = [
        {name: kind.expect_or_null(record.get(name)) for name, kind in members.items()} for record in parsed
    ]
    data = SCHEMA_LINE + line_end.join([*lines, ""]).encode()
    events = read(schema, data, ReaderOptions(batch_rows=batch_rows), chunk)

    assert rows_of(events) == pa.Table.from_pylist(expected, schema=schema).to_pylist()
    assert sum(event.kind is EventKind.INVALID for event in events) == len(lines) - len(usable)
    sizes = [event.rows for event in events if event.kind is EventKind.BATCH]
    assert all(size == batch_rows for size in sizes[:-1])


@st.composite
def batches(draw):
    members = draw(columns(KINDS, at_least=1))
    schema = pa.schema([kind.field(name) for name, kind in members.items()])
    row = st.fixed_dictionaries({name: st.none() | kind.values for name, kind in members.items()})
    table = pa.Table.from_pylist(draw(st.lists(row, min_size=1, max_size=6)), schema=schema)
    batch = table.combine_chunks().to_batches()[0]
    start = draw(st.integers(0, batch.num_rows))
    return batch.slice(start, draw(st.integers(0, batch.num_rows - start)))


@ENOUGH
@given(batches())
def test_decoding_what_was_encoded_gives_the_batch_again(batch):
    with RecordEncoder("s", batch.schema) as encoder:
        lines = bytes(encoder.encode(batch))
    assert lines.count(b"\n") == batch.num_rows
    events = read(batch.schema, SCHEMA_LINE + lines)
    assert rows_of(events) == batch.to_pylist()
    assert not [event for event in events if event.kind in {EventKind.INVALID, EventKind.NOTICE}]


@ENOUGH
@given(batches())
def test_encoded_lines_mean_the_same_to_json(batch):
    members = batch.schema.names
    with RecordEncoder('s\u2028"', batch.schema, version=5) as encoder:
        lines = bytes(encoder.encode(batch, "2024-01-01T00:00:00Z")).decode().split("\n")
    assert lines.pop() == ""
    for line, row in zip(lines, batch.to_pylist(), strict=True):
        message = json.loads(line)
        assert list(message) == ["type", "stream", "record", "version", "time_extracted"]
        assert (message["stream"], message["version"]) == ('s\u2028"', 5)
        assert list(message["record"]) == members
        nulls = [name for name, value in row.items() if value is None]
        assert [name for name, value in message["record"].items() if value is None] == nulls


@pytest.mark.parametrize("mutations", [1, 3])
@ENOUGH
@given(data=st.data(), planned=planned_lines())
def test_mutated_input_is_never_lost_in_silence(mutations, data, planned):
    """Whatever arrives, every line is a record, invalid, or blank; nothing crashes."""
    members, lines = planned
    text = bytearray("\n".join([*lines, ""]).encode())
    for _ in range(mutations):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    schema = pa.schema([kind.field(name) for name, kind in members.items()])
    with RecordReader(None) as reader:
        reader.feed(SCHEMA_LINE + bytes(text))
        reader.finish()
        rows, other = 0, 0
        while (event := reader.next()).kind is not EventKind.END:
            rows += event.rows
            other += event.kind in {EventKind.SCHEMA, EventKind.NOTICE}
            if event.kind is EventKind.SCHEMA:
                reader.plan(event.stream, schema)
        stats = reader.stats()
    assert stats.records == rows
    unknown_types = stats.lines - stats.blank - stats.records - stats.invalid
    assert 0 <= unknown_types <= other
