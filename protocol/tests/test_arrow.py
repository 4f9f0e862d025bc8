"""Columns as Arrow and back as JSON Schema."""

import subprocess
import sys

import pyarrow as pa
import pytest
from dativo_protocol.arrow import arrow_schema, arrow_type, columns_of_arrow, json_schema_of
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
from dativo_protocol.errors import SchemaError
from dativo_protocol.schema import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st

TYPES = [
    (Boolean(), pa.bool_()),
    (Integer(), pa.int64()),
    (Number(), pa.float64()),
    (Decimal(12, 4), pa.decimal128(12, 4)),
    (String(), pa.string()),
    (JsonText(), pa.string()),
    (Binary(), pa.binary()),
    (TimestampTz(), pa.timestamp("us", "UTC")),
    (Timestamp(), pa.timestamp("us")),
    (Date(), pa.date32()),
    (Time(), pa.time64("us")),
    (Uuid(), pa.uuid()),
    (ListOf(Integer()), pa.list_(pa.int64())),
    (MapOf(Date()), pa.map_(pa.string(), pa.date32())),
    (Struct((Column("a b", Integer(), required=True),)), pa.struct([pa.field("a b", pa.int64())])),
]


@pytest.mark.parametrize(("type_", "expected"), TYPES, ids=str)
def test_types(type_, expected):
    assert arrow_type(type_) == expected


def test_fields_are_nullable_and_directed_by_metadata():
    inner = Struct((Column("free", JsonText()), Column("n", Integer())))
    schema = arrow_schema(
        [Column("id", Integer(), required=True), Column("j", JsonText()), Column("s", inner)], keys=["id"]
    )
    assert all(field.nullable for field in schema)
    assert schema.field("id").metadata == {b"dativo.key": b"true"}
    assert schema.field("j").metadata == {b"dativo.json": b"text"}
    assert schema.field("s").type.field("free").metadata == {b"dativo.json": b"text"}
    assert schema.field("s").metadata is None
    assert schema.field("s").type.field("n").metadata is None


def test_a_key_may_be_json_text():
    field = arrow_schema([Column("id", JsonText())], keys=["id"]).field("id")
    assert field.metadata == {b"dativo.json": b"text", b"dativo.key": b"true"}


def test_a_key_that_is_no_column_is_refused():
    with pytest.raises(SchemaError, match="stream 's': key properties not in the schema: a, b"):
        arrow_schema([Column("id", Integer())], keys=["b", "id", "a"], stream="s")
    with pytest.raises(SchemaError, match="key properties not in the data: a"):
        json_schema_of(pa.schema([]), keys=["a"])


def test_announcement_for_singer_readers():
    schema = pa.schema(
        [
            ("id", pa.int32()),
            ("price", pa.decimal128(10, 2)),
            ("at", pa.timestamp("ns", "Europe/Vienna")),
            ("wall", pa.timestamp("s")),
            ("tags", pa.list_(pa.dictionary(pa.int8(), pa.string()))),
            pa.field("payload", pa.string(), metadata={"dativo.json": "text"}),
        ]
    )
    assert json_schema_of(schema, keys=["id"]) == {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "price": {"type": ["number", "null"], "multipleOf": 0.01, "x-precision": 10, "x-scale": 2},
            "at": {"type": ["string", "null"], "format": "date-time"},
            "wall": {"type": ["string", "null"], "format": "date-time", "x-sql-datatype": "timestamp"},
            "tags": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
            "payload": {"type": ["string", "object", "array", "integer", "number", "boolean", "null"]},
        },
        "required": ["id"],
    }


def test_announcement_without_keys_requires_nothing():
    assert json_schema_of(pa.schema([("a", pa.null())])) == {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}},
    }


WIDENED = [
    (pa.int8(), Integer()),
    (pa.uint32(), Integer()),
    (pa.uint64(), Decimal(20, 0)),
    (pa.float16(), Number()),
    (pa.float32(), Number()),
    (pa.decimal32(9, 2), Decimal(9, 2)),
    (pa.decimal128(5, -2), Decimal(7, 0)),
    (pa.decimal128(38, -2), JsonText()),
    (pa.decimal256(30, 2), Decimal(30, 2)),
    (pa.decimal256(60, 2), JsonText()),
    (pa.large_string(), String()),
    (pa.string_view(), String()),
    (pa.null(), String()),
    (pa.large_binary(), Binary()),
    (pa.binary_view(), Binary()),
    (pa.binary(7), Binary()),
    (pa.binary(16), Uuid()),
    (pa.uuid(), Uuid()),
    (pa.date64(), Date()),
    (pa.time32("s"), Time()),
    (pa.time64("ns"), Time()),
    (pa.timestamp("ms"), Timestamp()),
    (pa.timestamp("ns", "+02:00"), TimestampTz()),
    (pa.dictionary(pa.int32(), pa.string()), String()),
    (pa.large_list(pa.int8()), ListOf(Integer())),
    (pa.list_(pa.int8(), 3), ListOf(Integer())),
    (pa.map_(pa.large_string(), pa.int8()), MapOf(Integer())),
    (pa.bool8(), Integer()),
]


@pytest.mark.parametrize(("type_", "expected"), WIDENED, ids=str)
def test_other_arrow_types_widen(type_, expected):
    assert columns_of_arrow(pa.schema([("c", type_)])) == (Column("c", expected),)


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        (pa.duration("s"), "/c"),
        (pa.month_day_nano_interval(), "/c"),
        (pa.map_(pa.int32(), pa.string()), "/c"),
        (pa.list_(pa.struct([("d", pa.duration("s"))])), "/c/item/d"),
        (pa.map_(pa.string(), pa.duration("s")), "/c/value"),
        (pa.dense_union([pa.field("a", pa.int8())]), "/c"),
        (pa.struct([("a\0b", pa.int8())]), "/c/a\\x00b"),
    ],
    ids=str,
)
def test_types_without_a_json_form_are_refused_with_their_place(type_, path):
    with pytest.raises(SchemaError) as caught:
        json_schema_of(pa.schema([("c", type_)]), stream="s")
    assert (caught.value.stream, caught.value.path) == ("s", path)
    assert caught.value.instruction


SCALARS = st.one_of(
    st.sampled_from(
        [
            Boolean(),
            Integer(),
            Number(),
            String(),
            Binary(),
            TimestampTz(),
            Timestamp(),
            Date(),
            Time(),
            Uuid(),
        ]
    ),
    st.integers(1, 38).flatmap(lambda digits: st.builds(Decimal, st.just(digits), st.integers(0, digits))),
)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def structs(types):
    members = st.lists(st.tuples(NAMES, types), min_size=1, max_size=4, unique_by=lambda pair: pair[0])
    return members.map(lambda pairs: Struct(tuple(Column(name, type_) for name, type_ in pairs)))


NESTED = st.recursive(
    SCALARS | SCALARS.map(MapOf),
    lambda inner: structs(inner | st.just(JsonText())) | inner.map(ListOf),
    max_leaves=8,
)
COLUMNS = structs(NESTED | st.just(JsonText())).map(lambda struct: struct.columns)


@settings(deadline=None)
@given(COLUMNS, st.data())
def test_what_a_tap_announces_is_what_a_target_stores(columns, data):
    """Arrow → JSON Schema → columns → Arrow is the identity, metadata and all."""
    keys = data.draw(st.sets(st.sampled_from([column.name for column in columns])))
    schema = arrow_schema(columns, keys=keys)
    read = columns_of(json_schema_of(schema, keys=keys), stream="s", native_uuid=True)
    assert arrow_schema(read, keys=keys).equals(schema, check_metadata=True)
    assert {column.name for column in read if column.required} == keys


@settings(deadline=None)
@given(NESTED)
def test_arrow_and_back_is_the_identity_on_columns(type_):
    assert columns_of_arrow(arrow_schema([Column("c", type_)])) == (Column("c", type_),)


def test_pyarrow_is_not_imported_before_it_is_needed():
    program = (
        "import sys, dativo_protocol.arrow, dativo_protocol.schema, dativo_protocol.messages, "
        "dativo_protocol.catalog, dativo_protocol.discovery, dativo_protocol.selection, "
        "dativo_protocol.envelope, dativo_protocol.typetable; "
        "sys.exit(str({'pyarrow', 'jsonschema', 'yaml'} & set(sys.modules)) "
        "if {'pyarrow', 'jsonschema', 'yaml'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
