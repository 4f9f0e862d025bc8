"""The normal form of a schema: which JSON types, what holds for each, and whether null is one of them."""

import pytest
from dativo_protocol.errors import SchemaError
from dativo_protocol.shapes import Resolver, merge

ROOT = {
    "$defs": {
        "id": {"type": "integer", "minimum": 1},
        "list": {"items": {"$ref": "#/$defs/list"}},
        "ring": {"$ref": "#/$defs/ring"},
    }
}


def shapes(node):
    found = Resolver(ROOT, stream="s").shapes(node, "/p")
    return [(shape.kind, shape.schema) for shape in found.shapes], found.nullable


@pytest.mark.parametrize(
    ("node", "expected", "nullable"),
    [
        ({"type": "string"}, [("string", {"type": "string"})], False),
        ({}, [("any", {})], True),
        (True, [("any", {})], True),
        (False, [], False),
        ({"type": "null"}, [], True),
        ({"enum": [None]}, [], True),
        (
            {"type": ["null", "string", "integer"], "x": 1},
            [(kind, {"type": ["null", "string", "integer"], "x": 1}) for kind in ("string", "integer")],
            True,
        ),
        ({"const": 1.5}, [("number", {"const": 1.5})], False),
        ({"items": {}}, [("array", {"items": {}})], True),
        ({"$ref": "#/$defs/id", "minimum": 5}, [("integer", {"type": "integer", "minimum": 5})], False),
        ({"$ref": "#/$defs/ring"}, [("any", {})], True),
        (
            {"allOf": [{"type": ["string", "null"]}, {"type": ["string", "integer"], "maxLength": 3}]},
            [("string", {"type": ["string"], "maxLength": 3})],
            False,
        ),
        (
            {"title": "t", "anyOf": [{"type": "null"}, {"type": "boolean"}, {"type": "boolean"}]},
            [("boolean", {"title": "t", "type": "boolean"})],
            True,
        ),
        (
            {"type": "string", "oneOf": [{"format": "date"}, {"type": "integer"}]},
            [("string", {"type": "string", "format": "date"})],
            False,
        ),
    ],
    ids=str,
)
def test_normal_form(node, expected, nullable):
    assert shapes(node) == (expected, nullable)


def test_a_trail_remembers_the_references_passed():
    (shape,) = Resolver(ROOT, stream="s").shapes({"$ref": "#/$defs/list"}, "/p").shapes
    assert shape.trail == {"#/$defs/list"}
    below = Resolver(ROOT, stream="s").shapes(shape.schema["items"], "/p/items", shape.trail)
    assert [each.kind for each in below.shapes] == ["any"]


def test_normalising_changes_nothing_it_was_given():
    node = {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"maxLength": 3}}}]}
    before = repr(node)
    shapes(node)
    assert repr(node) == before


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
        ({"type": "integer"}, {"type": ["number", "null"]}, {"type": ["integer"]}),
        ({"type": "string"}, {"type": "object"}, {"type": []}),
        ({"required": ["a", "b"]}, {"required": ["b", "c"]}, {"required": ["a", "b", "c"]}),
        ({"nullable": True}, {"nullable": False}, {"nullable": True}),
        (
            {"properties": {"a": {"x": 1}, "b": {}}},
            {"properties": {"a": {"y": 2}, "c": {}}},
            {"properties": {"a": {"allOf": [{"x": 1}, {"y": 2}]}, "b": {}, "c": {}}},
        ),
        (
            {"anyOf": [{"x": 1}, {"x": 2}]},
            {"anyOf": [{"y": 1}]},
            {"anyOf": [{"allOf": [{"x": each}, {"anyOf": [{"y": 1}]}]} for each in (1, 2)]},
        ),
    ],
    ids=str,
)  # fmt: skip
def test_merging(first, second, expected):
    assert merge(first, second) == expected


def test_errors_name_the_place_they_are_at():
    with pytest.raises(SchemaError) as caught:
        shapes({"anyOf": [{"type": "string"}, {"allOf": [{"$ref": "#/$defs/none"}]}]})
    assert caught.value.path == "/p/anyOf/1/allOf/0/$ref"
