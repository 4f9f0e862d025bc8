"""RECORD lines from Python: life of the buffer, types beyond the oracle's, refusals."""

import decimal
import json
import math
import time

import dativo_native
import pyarrow as pa
import pytest
from dativo_native import InvalidArgument, RecordEncoder, UnsupportedSchema

ONE = pa.record_batch({"a": [1]})


def encode(array, **field):
    """The JSON of every value of one column."""
    batch = pa.record_batch([array], schema=pa.schema([pa.field("v", array.type, **field)]))
    with RecordEncoder("s", batch.schema) as encoder:
        text = bytes(encoder.encode(batch)).decode()
    prefix = '{"type":"RECORD","stream":"s","record":{"v":'
    return [line.removeprefix(prefix).removesuffix("}}") for line in text.splitlines()]


def test_lines_are_golden():
    """M2: the key order of the SDK, compact, upper-case type."""
    with RecordEncoder("users", ONE.schema, version=7) as encoder:
        lines = bytes(encoder.encode(ONE, "2024-01-01T00:00:00.000000+00:00"))
    assert lines == (
        b'{"type":"RECORD","stream":"users","record":{"a":1},"version":7,'
        b'"time_extracted":"2024-01-01T00:00:00.000000+00:00"}\n'
    )


def test_without_a_stream_the_lines_are_bare_records():
    """B2: what a batch file of JSON lines holds."""
    with RecordEncoder(None, ONE.schema) as encoder:
        assert bytes(encoder.encode(ONE)) == b'{"a":1}\n'
        assert bytes(encoder.encode(ONE, "2024-01-01T00:00:00+00:00")) == b'{"a":1}\n'


def test_a_stream_without_a_name_still_has_an_envelope():
    with RecordEncoder("", ONE.schema) as encoder:
        assert bytes(encoder.encode(ONE)) == b'{"type":"RECORD","stream":"","record":{"a":1}}\n'


def test_lines_are_released_by_the_next_call():
    with RecordEncoder("s", ONE.schema) as encoder:
        first = encoder.encode(ONE)
        assert first.readonly
        encoder.encode(ONE)
        with pytest.raises(ValueError, match="released"):
            bytes(first)


def test_slice_of_old_lines_is_not_pulled_away():
    with RecordEncoder("s", ONE.schema) as encoder:
        part = encoder.encode(ONE)[2:6]
        with pytest.raises(InvalidArgument, match="still in use"):
            encoder.encode(ONE)
        assert bytes(part) == b"type"
        part.release()
        assert encoder.encode(ONE)


def test_slice_of_lines_outlives_a_closed_encoder():
    with RecordEncoder("s", ONE.schema) as encoder:
        part = encoder.encode(ONE)[2:6]
    assert dativo_native.live_handles() == 1
    assert bytes(part) == b"type"


def test_closed_encoder_refuses_work_and_closes_again():
    encoder = RecordEncoder("s", ONE.schema)
    encoder.close()
    encoder.close()
    with pytest.raises(InvalidArgument, match="closed"):
        encoder.encode(ONE)


def test_forgotten_encoder_is_freed():
    encoder = RecordEncoder("s", ONE.schema)
    assert dativo_native.live_handles() == 1
    del encoder


def test_batch_of_no_rows_is_no_lines():
    with RecordEncoder("s", ONE.schema) as encoder:
        assert encoder.encode(ONE.slice(1)).nbytes == 0
        assert encoder.encode(ONE).nbytes > 0


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Prague"])
def test_timestamps_of_every_unit_and_zone_are_utc_text(unit, zone):
    array = pa.array([1_357_034_400, None], pa.timestamp("s", zone)).cast(pa.timestamp(unit, zone))
    assert encode(array) == ['"2013-01-01T10:00:00+00:00"', "null"]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([-(2**7), 2**7 - 1], pa.int8()), ["-128", "127"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([0.1, 1.0, 1e300], pa.float64()), ["0.1", "1.0", "1e+300"]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([1.5], pa.float16()), ["1.5"]),
        (pa.array([math.nan, math.inf, -math.inf]), ["null", "null", "null"]),
        (pa.array([decimal.Decimal("-0.10")], pa.decimal128(38, 2)), ["-0.10"]),
        (pa.array([decimal.Decimal(10) ** 75], pa.decimal256(76, 0)), ["1" + "0" * 75]),
        (pa.array([decimal.Decimal("1.5")], pa.decimal32(5, 1)), ["1.5"]),
        (pa.array([86_399], pa.time32("s")), ['"23:59:59"']),
        (pa.array([1], pa.time64("ns")), ['"00:00:00.000000001"']),
        (pa.array([0], pa.date64()), ['"1970-01-01"']),
        (pa.array(["x", None, "x"]).dictionary_encode(), ['"x"', "null", '"x"']),
        (pa.array(["é\n"], pa.string_view()), ['"é\\n"']),
        (pa.array([b"\0\1"], pa.large_binary()), ['"AAE="']),
        (pa.array([[1], None], pa.large_list(pa.int64())), ["[1]", "null"]),
        (pa.array([[1, 2]], pa.list_(pa.int64(), 2)), ["[1,2]"]),
        (pa.nulls(2), ["null", "null"]),
        (pa.array([{"x": {"y": None}}]), ['{"x":{"y":null}}']),
    ],
)
def test_values_of_types_the_reader_never_makes(array, expected):
    assert encode(array) == expected


def test_json_text_is_embedded():
    texts = pa.array(['{"a":\n[1]}', "3", None])
    assert encode(texts, metadata={"dativo.json": "text"}) == ['{"a": [1]}', "3", "null"]


def test_unsupported_type_names_its_field():
    schema = pa.schema([pa.field("when", pa.struct([("took", pa.duration("s"))]))])
    with pytest.raises(UnsupportedSchema, match="/when/took") as failure:
        RecordEncoder("calls", schema)
    assert failure.value.stream == "calls"


@pytest.mark.parametrize("year_days", [-719_529, 2_932_897])
def test_year_that_four_digits_cannot_say_names_field_and_row(year_days):
    batch = pa.record_batch({"ok": [0, 0], "born": pa.array([0, year_days], pa.int32()).cast(pa.date32())})
    with RecordEncoder("s", batch.schema) as encoder:
        with pytest.raises(InvalidArgument, match="field /born of row 1"):
            encoder.encode(batch)
        assert bytes(encoder.encode(batch.slice(0, 1))).count(b"\n") == 1


def test_batch_of_another_schema_is_refused():
    with RecordEncoder("s", ONE.schema) as encoder:
        with pytest.raises(InvalidArgument, match="column 0"):
            encoder.encode(pa.record_batch({"b": [1]}))
        with pytest.raises(InvalidArgument, match="2 columns"):
            encoder.encode(pa.record_batch({"a": [1], "b": [1]}))


def broken_strings(kind):
    """Two strings of which the second is not UTF-8, as a careless producer makes them."""
    if pa.types.is_string_view(kind):
        views = b"".join((1).to_bytes(4, "little") + text + bytes(11) for text in (b"a", b"\xff"))
        return pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(views)])
    width = 8 if pa.types.is_large_string(kind) else 4
    offsets = b"".join(offset.to_bytes(width, "little") for offset in (0, 1, 2))
    return pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"a\xff")])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_string_that_is_not_utf8_names_field_and_row(kind):
    batch = pa.record_batch({"ok": ["x", "y"], "broken": broken_strings(kind)})
    with RecordEncoder("s", batch.schema) as encoder:
        with pytest.raises(InvalidArgument, match="field /broken of row 1: a string that is not UTF-8"):
            encoder.encode(batch)
        assert bytes(encoder.encode(batch.slice(0, 1))).count(b"\n") == 1


def test_string_view_that_is_not_utf8_is_refused():
    batch = pa.record_batch({"broken": broken_strings(pa.string_view())})
    with RecordEncoder("s", batch.schema) as encoder, pytest.raises(InvalidArgument, match=r"(?i)utf-?8"):
        encoder.encode(batch)


def test_every_control_character_survives():
    text = "".join(map(chr, range(0x30)))
    assert json.loads(encode(pa.array([text]))[0]) == text


def test_small_slice_of_a_large_batch_costs_what_it_is():
    """Checking a slice must not read all of the batch that it was cut from."""
    batch = pa.record_batch({"text": ["x" * 50] * 200_000, "list": [["y"]] * 200_000})

    def seconds(rows):
        start = time.process_time()
        for first in range(0, batch.num_rows, rows):
            encoder.encode(batch.slice(first, rows))
        return time.process_time() - start

    with RecordEncoder("s", batch.schema) as encoder:
        few_large = min(seconds(50_000) for _ in range(3))
        many_small = min(seconds(1_000) for _ in range(3))
    assert many_small < 4 * few_large
