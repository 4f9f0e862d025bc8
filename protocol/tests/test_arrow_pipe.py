"""From one Arrow batch over the pipe into another: announced, encoded, planned as announced, decoded."""

import json
from datetime import UTC, date, datetime, time
from decimal import Context
from decimal import Decimal as Digits
from uuid import UUID

import dativo_native
import jsonschema
import pyarrow as pa
import pytest
from dativo_native import EventKind
from dativo_protocol.arrow import arrow_schema, json_schema_of
from dativo_protocol.columns import (
    Binary,
    Boolean,
    Column,
    Date,
    Decimal,
    Integer,
    JsonText,
    ListOf,
    MapOf,
    Number,
    String,
    Struct,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
)
from dativo_protocol.messages import RecordMessage, SchemaMessage, dump_message, parse_message
from dativo_protocol.schema import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | TEXT,
    lambda inner: (
        st.lists(inner | st.none(), max_size=3) | st.dictionaries(TEXT, inner | st.none(), max_size=3)
    ),
    max_leaves=4,
)
YEARS = {"min_value": datetime(1, 1, 1), "max_value": datetime(9999, 12, 31)}  # noqa: DTZ001 -- hypothesis adds UTC


def values_of(type_):
    """Everything a column of this type can hold, null included."""
    return st.none() | present_values_of(type_)


def present_values_of(type_):
    match type_:
        case Decimal(precision, scale):
            limit = 10**precision - 1
            context = Context(prec=38)
            return st.integers(-limit, limit).map(lambda number: Digits(number).scaleb(-scale, context))
        case Struct(columns):
            return st.fixed_dictionaries({column.name: values_of(column.type) for column in columns})
        case ListOf(item):
            return st.lists(values_of(item), max_size=3)
        case MapOf(value):
            return st.dictionaries(TEXT, values_of(value), max_size=3).map(lambda pairs: list(pairs.items()))
    return {
        Boolean: st.booleans(),
        Integer: st.integers(-(2**63), 2**63 - 1),
        Number: st.floats(allow_nan=False, allow_infinity=False),
        String: TEXT,
        JsonText: JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
        Binary: st.binary(max_size=8),
        TimestampTz: st.datetimes(**YEARS, timezones=st.just(UTC)),
        Timestamp: st.datetimes(**YEARS),
        Date: st.dates(),
        Time: st.times(),
        Uuid: st.uuids(),
    }[type(type_)]


SCALARS = st.one_of(
    st.sampled_from([Boolean(), Integer(), Number(), String(), Binary()]),
    st.sampled_from([TimestampTz(), Timestamp(), Date(), Time()]),
    st.integers(1, 38).flatmap(lambda digits: st.builds(Decimal, st.just(digits), st.integers(0, digits))),
)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def structs(types):
    members = st.lists(st.tuples(NAMES, types), min_size=1, max_size=4, unique_by=lambda pair: pair[0])
    return members.map(lambda pairs: Struct(tuple(Column(name, type_) for name, type_ in pairs)))


ANY = st.recursive(
    SCALARS | SCALARS.map(MapOf),
    lambda inner: structs(inner | st.just(JsonText())) | inner.map(ListOf),
    max_leaves=6,
)
# A UUID stays at the top: pyarrow cannot make a nested one from Python values.
COLUMNS = structs(ANY | st.sampled_from([JsonText(), Uuid()])).map(lambda struct: struct.columns)


def announce(schema):
    message = SchemaMessage("s", json_schema_of(schema, stream="s"))
    return dump_message(message)


def encode(batch):
    with dativo_native.RecordEncoder("s", batch.schema) as encoder:
        return bytes(encoder.encode(batch))


def decode(lines):
    """Decode RECORD lines as a target does, its plan made of nothing but the announced SCHEMA."""
    with dativo_native.RecordReader(None) as reader:
        reader.feed(lines)
        reader.finish()
        batches = []
        while (event := reader.next()).kind is not EventKind.END:
            if event.kind is EventKind.SCHEMA:
                announced = parse_message(event.text)
                planned = arrow_schema(columns_of(announced.schema, stream="s", native_uuid=True))
                reader.plan("s", planned)
            elif event.kind is EventKind.BATCH:
                batches.append(event.batch)
            else:
                pytest.fail(f"{event.kind.name} {event.path}: {event.reason} {event.text!r}")
        return batches


@settings(max_examples=80, deadline=None)
@given(COLUMNS, st.data())
def test_a_batch_survives_the_pipe(columns, data):
    schema = arrow_schema(columns)
    rows = data.draw(st.lists(present_values_of(Struct(columns)), min_size=1, max_size=3))
    batch = pa.RecordBatch.from_pylist(rows, schema)
    (arrived,) = decode(announce(schema) + encode(batch))
    assert arrived.schema.equals(schema, check_metadata=True)
    assert arrived.to_pylist() == batch.to_pylist()


@settings(max_examples=50, deadline=None)
@given(COLUMNS, st.data())
def test_encoded_records_are_what_the_announced_schema_allows(columns, data):
    """As a foreign target sees it: jsonschema, numbers read as decimals."""
    schema = arrow_schema(columns)
    rows = data.draw(st.lists(present_values_of(Struct(columns)), min_size=1, max_size=3))
    announced = json.loads(announce(schema), parse_float=Digits)["schema"]
    validator = jsonschema.Draft202012Validator(without_steps(announced))
    for line in encode(pa.RecordBatch.from_pylist(rows, schema)).splitlines():
        message = json.loads(line, parse_float=Digits)
        assert list(message) == ["type", "stream", "record"]
        validator.validate(message["record"])


def without_steps(node):
    """Leave multipleOf out: jsonschema divides with 28 digits, fewer than a decimal here may have."""
    if isinstance(node, dict):
        return {key: without_steps(value) for key, value in node.items() if key != "multipleOf"}
    return [without_steps(value) for value in node] if isinstance(node, list) else node


def test_a_record_as_text():
    columns = columns_of(
        {
            "properties": {
                "id": {"type": "integer"},
                "at": {"type": "string", "format": "date-time"},
                "wall": {"type": "string", "format": "date-time", "x-sql-datatype": "timestamp"},
                "day": {"type": "string", "format": "date"},
                "clock": {"type": "string", "format": "time"},
                "price": {"type": "number", "x-precision": 10, "x-scale": 2},
                "key": {"type": "string", "format": "uuid"},
                "raw": {"type": "string", "contentEncoding": "base64"},
                "free": {},
                "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
            }
        },
        stream="s",
        native_uuid=True,
    )
    noon = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
    row = {
        "id": 7,
        "at": noon,
        "wall": noon.replace(tzinfo=None),
        "day": date(2026, 1, 31),
        "clock": time(12, 0, 0, 5),
        "price": Digits("-0.50"),
        "key": UUID(int=7),
        "raw": b"\x00\xff",
        "free": '{"b": [1.50, null]}',
        "tags": [("x", 1)],
    }
    batch = pa.RecordBatch.from_pylist([row], arrow_schema(columns))
    message = parse_message(encode(batch))
    assert message == RecordMessage(
        "s",
        {
            "id": 7,
            "at": "2026-01-31T12:00:00.000005+00:00",
            "wall": "2026-01-31T12:00:00.000005+00:00",
            "day": "2026-01-31",
            "clock": "12:00:00.000005",
            "price": -0.5,
            "key": "00000000-0000-0000-0000-000000000007",
            "raw": "AP8=",
            "free": {"b": [1.5, None]},
            "tags": {"x": 1},
        },
    )
    (arrived,) = decode(announce(batch.schema) + encode(batch))
    assert arrived.to_pylist() == [row]
