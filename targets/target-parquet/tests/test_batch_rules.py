"""What types leave to be checked of rows that come with types (B5)."""

import pyarrow as pa
import pytest
from dativo_protocol.messages import SchemaMessage
from target_parquet.batch_rules import Rules, lenient_schema, rules_of


def rules(required=(), **properties):
    return rules_of(SchemaMessage("s", {"type": "object", "properties": properties, "required": [*required]}))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": ["null", "string"], "title": "t", "description": "d", "default": "x", "x-anything": 1},
        {"type": ["string", "null"], "format": "date-time"},
        {"type": ["string", "null"], "format": "date"},
        {"type": ["number", "null"], "multipleOf": 0.01},
        {"type": ["integer", "null"], "multipleOf": 1},
        {"type": "boolean", "inclusion": "automatic"},
        {},
    ],
)
def test_types_say_it_all(schema):
    assert rules(a=schema) == Rules(beyond_types=False, never_null=frozenset())


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 0},
        {"type": "string", "maxLength": 3},
        {"type": "string", "pattern": "^a"},
        {"type": "string", "enum": ["a"]},
        {"type": "string", "format": "email"},
        {"type": "string", "format": "uuid"},
        {"type": "number", "multipleOf": 0.25},
        {"type": "integer", "multipleOf": 5},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "object"},
        {"type": ["string", "integer"]},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"b": {"type": "integer"}}},
    ],
)
def test_types_leave_something_open(schema):
    assert rules(a=schema).beyond_types


@pytest.mark.parametrize(
    ("keyword", "beyond"),
    [
        ({"minProperties": 1}, True),
        ({"additionalProperties": False}, True),
        ({"additionalProperties": True}, False),
    ],
)
def test_the_root_asserts_too(keyword, beyond):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, **keyword}
    assert rules_of(SchemaMessage("s", schema)).beyond_types is beyond


def test_required_values_are_never_null():
    found = rules(("a", "b"), a={"type": "integer"}, b={"type": ["integer", "null"]}, c={"type": "integer"})
    assert found == Rules(beyond_types=False, never_null=frozenset({"a"}))
    assert found.are_kept_by(pa.record_batch({"a": [1], "b": pa.nulls(1), "c": pa.nulls(1)}))
    assert not found.are_kept_by(pa.record_batch({"a": [1, None]}))
    assert not rules(a={"type": "integer", "minimum": 0}).are_kept_by(pa.record_batch({"a": [1]}))


def test_null_is_as_good_as_absent_where_a_property_need_not_be_there():
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": "string", "enum": ["x"]},
            "c": {"type": ["integer"]},
            "d": {},
        },
        "required": ["a"],
    }
    assert lenient_schema(SchemaMessage("s", schema)) == schema | {
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": ["string", "null"], "enum": ["x", None]},
            "c": {"type": ["integer", "null"]},
            "d": {},
        }
    }
