"""UUIDs as text or as what they are."""

from uuid import UUID

import pytest
from pyarrow import parquet
from pyiceberg.conversions import from_bytes
from pyiceberg.types import StringType, UUIDType

from tests.singer_messages import record, schema, state

KEY = {"type": "string", "format": "uuid"}
MAYBE = {"type": ["string", "null"], "format": "uuid"}
LOW, MIDDLE, HIGH = (UUID(bytes=bytes([first]) + bytes(range(15))) for first in (0x01, 0x7F, 0xFE))
NATIVE = {"uuid_type": "uuid"}


def test_they_are_columns_of_their_own_type_with_bounds(loaded, rows, table):
    nested = {"type": "object", "properties": {"u": MAYBE}}
    shape = schema(u=MAYBE, many={"type": "array", "items": MAYBE}, inner=nested)
    loaded(
        shape,
        record(id=1, u=str(HIGH), many=[str(LOW), None], inner={"u": str(LOW)}),
        record(id=2, u=str(LOW).upper()),
        record(id=3, u=str(MIDDLE)),
        record(id=4),
        sort_by=["u"],
        **NATIVE,
    )
    assert [row["u"] for row in rows("users")] == [HIGH, LOW, MIDDLE, None]
    (task,) = table("users").scan().plan_files()
    field = table("users").schema().find_field("u")
    assert field.field_type == UUIDType()
    assert from_bytes(UUIDType(), task.file.lower_bounds[field.field_id]) == LOW.bytes
    assert from_bytes(UUIDType(), task.file.upper_bounds[field.field_id]) == HIGH.bytes
    assert task.file.null_value_counts[field.field_id] == 1
    file = parquet.ParquetFile(task.file.file_path.removeprefix("file://"))
    assert file.read(["u"])["u"].to_pylist() == [None, LOW, MIDDLE, HIGH]
    column = file.schema.column(1)
    assert (column.name, column.physical_type, column.length) == ("u", "FIXED_LEN_BYTE_ARRAY", 16)
    assert column.logical_type.type == "UUID"


@pytest.mark.parametrize("partition", ["bucket[2](id)", "id"])
def test_they_are_keys(loaded, rows, partition):
    shape = schema(id=KEY, n="integer")
    settings = {**NATIVE, "load_method": "upsert", "partition_by": [partition]}
    loaded(shape, *(record(id=str(each), n=1) for each in (LOW, MIDDLE, HIGH, LOW)), state(1), **settings)
    loaded(shape, record(id=str(MIDDLE), n=2), record(id=str(UUID(int=5)), n=2), state(2), **settings)
    found = {row["id"]: row["n"] for row in rows("users")}
    assert found == {LOW: 1, MIDDLE: 2, HIGH: 1, UUID(int=5): 2}


def test_a_column_of_their_text_stays_one(loaded, rows, table):
    shape = schema(id=KEY, n="integer")
    settings = {"load_method": "upsert"}
    loaded(shape, record(id=str(LOW), n=1), **settings)
    loaded(shape, record(id=str(LOW), n=2), record(id=str(HIGH), n=2), **settings, **NATIVE)
    assert table("users").schema().find_field("id").field_type == StringType()
    assert {row["id"]: row["n"] for row in rows("users")} == {str(LOW): 2, str(HIGH): 2}


def test_what_is_none_is_an_invalid_record(load):
    outcome = load(schema(u=MAYBE), record(id=1, u="not-a-uuid"), **NATIVE)
    assert outcome.code == 1
    assert "uuid" in outcome.stderr
