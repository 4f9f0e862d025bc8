"""The generated inputs: what they hold, how large they are, and that they are the same every time."""

import csv
import io
import json
from functools import cache

import pyarrow as pa
import pytest

from tests.bench.generate import STATE_EVERY, WRITERS
from tests.bench.streams import EVENTS, LINEITEM, STREAMS, WIDE, Stream

every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)


@cache
def written(stream: Stream, form: str, records: int) -> bytes:
    out = io.BytesIO()
    WRITERS[form](stream, records, out)
    return out.getvalue()


def messages(stream: Stream, records: int) -> list[dict]:
    return [json.loads(line) for line in written(stream, "singer", records).splitlines()]


def records_of(stream: Stream, records: int) -> list[dict]:
    return [message["record"] for message in messages(stream, records) if message["type"] == "RECORD"]


@every_stream
def test_a_stream_is_a_schema_and_states_among_its_records(stream: Stream) -> None:
    types = [message["type"] for message in messages(stream, STATE_EVERY + 3)]
    assert types == ["SCHEMA"] + ["RECORD"] * STATE_EVERY + ["STATE"] + ["RECORD"] * 3 + ["STATE"]


@every_stream
def test_the_same_seed_gives_the_same_bytes(stream: Stream) -> None:
    assert written.__wrapped__(stream, "singer", 500) == written.__wrapped__(stream, "singer", 500)


@every_stream
def test_a_short_stream_begins_a_long_one(stream: Stream) -> None:
    assert records_of(stream, STATE_EVERY + 5)[:7] == records_of(stream, 7)


@every_stream
def test_blocks_differ(stream: Stream) -> None:
    records = records_of(stream, STATE_EVERY + 1)
    assert records[0] != records[STATE_EVERY]


@every_stream
def test_records_have_only_properties_of_the_schema(stream: Stream) -> None:
    names = [field.name for field in stream.fields]
    for record in records_of(stream, 300):
        assert [name for name in names if name in record] == list(record)
        assert set(stream.keys) <= record.keys()


@every_stream
def test_plain_json_lines_are_the_records(stream: Stream) -> None:
    lines = written(stream, "ndjson", 250).splitlines()
    assert [json.loads(line) for line in lines] == records_of(stream, 250)


@pytest.mark.parametrize(
    ("stream", "low", "high"), [(LINEITEM, 520, 560), (EVENTS, 540, 620), (WIDE, 2_000, 3_000)]
)
def test_a_message_has_the_size_that_the_figures_are_about(stream: Stream, low: int, high: int) -> None:
    assert low <= len(written(stream, "singer", 5_000)) / 5_000 <= high


def test_lineitem_comments_need_escapes_and_more_than_ascii() -> None:
    text = written(LINEITEM, "ndjson", 1_000).decode()
    for token in ('\\"', "\\\\", "\\t", "\\u00e9", "ö", "東"):
        assert token in text


def test_events_are_nested_and_keep_their_offsets() -> None:
    records = records_of(EVENTS, 1_000)
    assert {len(record["items"]) for record in records} == {0, 1, 2}
    assert {record["actor"]["address"] is None for record in records} == {True, False}
    assert {record["created_at"][-6:].lstrip("0123456789.:") for record in records} == {
        "Z",
        "+00:00",
        "+02:00",
        "-05:30",
    }


def test_wide_records_are_sparse_in_both_ways() -> None:
    records = records_of(WIDE, 1_000)
    cells = len(WIDE.fields) * len(records)
    filled = sum(value is not None for record in records for value in record.values())
    present = sum(len(record) for record in records)
    assert 0.15 < filled / cells < 0.35
    assert 0.3 < (cells - present) / cells < 0.5


def test_csv_holds_the_values_of_the_records() -> None:
    rows = list(csv.DictReader(io.StringIO(written(LINEITEM, "csv", 100).decode(), newline="")))
    records = records_of(LINEITEM, 100)
    assert [row["l_comment"] for row in rows] == [record["l_comment"] for record in records]
    assert [float(row["l_extendedprice"]) for row in rows] == [
        record["l_extendedprice"] for record in records
    ]
    assert [row["l_shipdate"] for row in rows] == [record["l_shipdate"] for record in records]


def test_the_arrow_file_holds_typed_columns() -> None:
    table = pa.ipc.open_file(written(LINEITEM, "arrow", 100)).read_all()
    assert table.schema.field("l_shipdate").type == pa.date32()
    assert table["l_quantity"].to_pylist() == [record["l_quantity"] for record in records_of(LINEITEM, 100)]


@pytest.mark.parametrize("form", ["csv", "arrow"])
def test_only_lineitem_is_flat(form: str) -> None:
    with pytest.raises(ValueError, match="events has no such form"):
        written(EVENTS, form, 1)
