"""JSON Schema to columns: the whole table, its corners, and schemas nobody should have written (G6..G8)."""

import json
import time

import pytest
from dativo_protocol.errors import SchemaError
from dativo_protocol.schema import (
    MAX_DEPTH,
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
    columns_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def type_of(node, **options):
    return columns_of({"type": "object", "properties": {"p": node}}, stream="s", **options)[0].type


def decimal(precision, scale):
    return {"type": "number", "x-precision": precision, "x-scale": scale}


def cases(*pairs):
    """Name each case by its schema."""
    names = [f"{index}-{json.dumps(node)[:70]}" for index, (node, _) in enumerate(pairs)]
    return pytest.mark.parametrize(("node", "expected"), pairs, ids=names)


DATE_TIME = {"type": "string", "format": "date-time"}
INTEGER = {"type": "integer"}
STRING = {"type": "string"}
X = {"properties": {"x": INTEGER}}
STRUCT_X = Struct((Column("x", Integer()),))


@cases(
    ({"type": "boolean"}, Boolean()),
    ({"type": ["null", "boolean"]}, Boolean()),
    ({"type": ["integer", "null"]}, Integer()),
    ({"type": ["null", "integer", "null", "integer"]}, Integer()),
    ({"type": "number"}, Number()),
    ({"type": "string"}, String()),
    ({"type": "string", "nullable": True}, String()),
    ({"type": "string", "format": "no-such-format", "maxLength": 3, "pattern": "^a"}, String()),
    ({"type": ["null", "string"], "format": "date-time"}, TimestampTz()),
    ({"type": "string", "format": "date"}, Date()),
    ({"type": "string", "format": "time"}, Time()),
    ({"type": "string", "format": "uuid"}, String()),
    ({"type": "string", "contentEncoding": "base64"}, Binary()),
    ({"type": "string", "contentEncoding": "quoted-printable"}, String()),
    ({"type": ["integer", "string"]}, JsonText()),
    ({"type": ["null", "integer", "number"]}, Number()),
    ({"type": ["number", "boolean"]}, JsonText()),
    ({"type": "any"}, JsonText()),
    ({"type": "null"}, JsonText()),
    ({"type": ["null"]}, JsonText()),
    ({"type": []}, JsonText()),
    ({}, JsonText()),
    (True, JsonText()),
    (False, JsonText()),
)
def test_one_type(node, expected):
    assert type_of(node) == expected


@cases(
    ({"const": "a"}, String()),
    ({"const": 1}, Integer()),
    ({"const": 1.5}, Number()),
    ({"const": True}, Boolean()),
    ({"const": None}, JsonText()),
    ({"enum": ["a", None]}, String()),
    ({"enum": [1, 2.5]}, Number()),
    ({"enum": [1, "a"]}, JsonText()),
    ({"enum": [True, 1]}, JsonText()),
    ({"enum": [{}]}, JsonText()),
    ({"enum": [[1]]}, JsonText()),
    ({"enum": []}, JsonText()),
    ({"type": "string", "enum": [1, 2]}, String()),
    ({"format": "date-time"}, JsonText()),
    (X, STRUCT_X),
    ({"additionalProperties": INTEGER}, MapOf(Integer())),
    ({"items": STRING}, ListOf(String())),
    ({"prefixItems": [STRING]}, JsonText()),
)
def test_missing_types_are_those_of_the_values_or_of_the_keywords(node, expected):
    assert type_of(node) == expected


@cases(
    ({"type": "object"}, JsonText()),
    ({"type": "object", "properties": {}}, JsonText()),
    ({"type": "object", "properties": {}, "additionalProperties": STRING}, MapOf(String())),
    ({"type": "object", "additionalProperties": True}, JsonText()),
    ({"type": "object", "additionalProperties": False}, JsonText()),
    ({"type": "object", "additionalProperties": {}}, JsonText()),
    ({"type": ["object", "null"], "additionalProperties": {"type": ["null", "number"]}}, MapOf(Number())),
    ({"type": "object", "additionalProperties": DATE_TIME}, MapOf(TimestampTz())),
    (
        {"type": "object", "additionalProperties": {"type": "number", "multipleOf": 0.1}},
        MapOf(Decimal(38, 1)),
    ),
    ({"type": "object", "additionalProperties": {"type": ["integer", "string"]}}, JsonText()),
    ({"type": "object", "additionalProperties": X}, JsonText()),
    ({"type": "object", "additionalProperties": {"type": "array", "items": STRING}}, JsonText()),
    ({"type": "object", "additionalProperties": STRING, "patternProperties": {"^n": INTEGER}}, JsonText()),
    ({"type": "object", **X, "additionalProperties": STRING}, STRUCT_X),
    ({"type": "array"}, JsonText()),
    ({"type": "array", "items": {}}, JsonText()),
    ({"type": "array", "items": True}, JsonText()),
    ({"type": "array", "items": []}, JsonText()),
    ({"type": "array", "items": [STRING]}, JsonText()),
    ({"type": "array", "items": {"type": ["string", "integer"]}}, JsonText()),
    ({"type": "array", "items": {"type": "object"}}, JsonText()),
    ({"type": "array", "items": {"type": ["null", "string"]}}, ListOf(String())),
    ({"type": "array", "items": {"type": "array", "items": INTEGER}}, ListOf(ListOf(Integer()))),
    ({"type": "array", "items": {"type": "object", **X}}, ListOf(STRUCT_X)),
    (
        {"type": "object", "properties": {"any": {}, "x": INTEGER}},
        Struct((Column("any", JsonText()), Column("x", Integer()))),
    ),
)
def test_objects_and_arrays(node, expected):
    assert type_of(node) == expected


@cases(
    ({"anyOf": [{"type": "null"}, INTEGER]}, Integer()),
    ({"oneOf": [INTEGER, {"type": "null"}]}, Integer()),
    ({"anyOf": [{"type": "null"}, {"type": "object", **X}]}, STRUCT_X),
    ({"anyOf": [{"type": "object", **X}, {"type": ["object", "null"], **X}]}, STRUCT_X),
    ({"anyOf": [{"type": "null"}, {"oneOf": [{"type": "null"}, {"allOf": [STRING]}]}]}, String()),
    ({"type": "string", "anyOf": [{"format": "date-time"}, {"type": "null"}]}, TimestampTz()),
    ({"type": ["null", "string"], "anyOf": [{"format": "date"}, {}]}, Date()),
    ({"anyOf": [INTEGER, {"type": "number"}]}, Number()),
    ({"anyOf": [INTEGER, STRING]}, JsonText()),
    ({"anyOf": [{"type": "object", **X}, {"type": "object"}]}, JsonText()),
    ({"anyOf": [STRING, {}]}, JsonText()),
    ({"anyOf": []}, JsonText()),
    ({"anyOf": [False, STRING]}, String()),
    ({"anyOf": [DATE_TIME, {"type": ["string", "null"]}]}, TimestampTz()),
    ({"anyOf": [{"type": ["string", "null"]}, {"type": "string", "format": "time"}]}, Time()),
    ({"anyOf": [DATE_TIME, {"type": "string", "format": "date"}]}, String()),
    ({"anyOf": [DATE_TIME, {"type": "string", "format": "date"}, STRING]}, String()),
    ({"anyOf": [{"type": "string", "contentEncoding": "base64"}, STRING]}, String()),
    ({"anyOf": [DATE_TIME, {"type": "string", "contentEncoding": "base64"}]}, String()),
    ({"anyOf": [DATE_TIME, STRING, {"type": "string", "contentEncoding": "base64"}]}, String()),
    ({"anyOf": [DATE_TIME, INTEGER]}, JsonText()),
    ({"anyOf": [{"anyOf": [INTEGER, {"type": "null"}]}, {"type": "number"}]}, Number()),
    ({"anyOf": [INTEGER, {"type": "number", "multipleOf": 0.01}]}, Decimal(38, 2)),
    ({"anyOf": [decimal(6, 2), INTEGER]}, Decimal(21, 2)),
    ({"anyOf": [decimal(6, 2), decimal(5, 4)]}, Decimal(8, 4)),
    ({"anyOf": [decimal(38, 0), decimal(5, 4)]}, JsonText()),
    ({"anyOf": [{"type": "number"}, {"type": "number", "multipleOf": 0.01}]}, JsonText()),
    ({"oneOf": [{"type": "null"}, STRING], "anyOf": [{"format": "date"}, {"type": "null"}]}, Date()),
    ({"not": {"type": "integer"}, "type": "string"}, String()),
    ({"if": {"type": "string"}, "then": {"type": "integer"}}, JsonText()),
)  # fmt: skip
def test_alternatives(node, expected):
    assert type_of(node) == expected


@cases(
    ({"allOf": [STRING]}, String()),
    ({"allOf": [{"type": ["string", "null"]}, DATE_TIME]}, TimestampTz()),
    ({"allOf": [{"type": "number"}, INTEGER]}, Integer()),
    ({"allOf": [INTEGER, {"type": ["number", "string"]}]}, Integer()),
    ({"allOf": [INTEGER, STRING]}, JsonText()),
    ({"allOf": [X, {"properties": {"y": STRING}}]}, Struct((Column("x", Integer()), Column("y", String())))),
    (
        {**X, "allOf": [{"properties": {"x": {"minimum": 0, "maximum": 2**64}}}]},
        Struct((Column("x", Decimal(38, 0)),)),
    ),
    ({"allOf": [{"anyOf": [STRING, {"type": "null"}]}, {"anyOf": [{"format": "date"}, {}]}]}, Date()),
    ({"nullable": True, "allOf": [{"$ref": "#/properties/q"}]}, Integer()),
    ({"$ref": "#/properties/q"}, Integer()),
    ({"$ref": "#/$defs/money", "description": "net"}, Decimal(12, 2)),
    ({"$ref": "#/definitions/a~1b~0c"}, Boolean()),
    ({"$ref": "#/$defs/alias"}, Decimal(12, 2)),
    ({"$ref": "#/$defs/list/prefixItems/1"}, String()),
    ({"$ref": "https://example.com/schema.json"}, JsonText()),
    ({"type": "string", "$ref": "https://example.com/schema.json"}, String()),
)  # fmt: skip
def test_conjunctions_and_references(node, expected):
    root = {
        "properties": {"p": node, "q": {"type": "integer"}},
        "$defs": {
            "money": {"type": "number", "x-precision": 12, "x-scale": 2},
            "alias": {"$ref": "#/$defs/money"},
            "list": {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
        },
        "definitions": {"a/b~c": {"type": "boolean"}},
    }
    assert columns_of(root, stream="s")[0].type == expected


def test_the_same_reference_twice_is_no_recursion():
    root = {
        "properties": {"a": {"$ref": "#/$defs/t"}, "b": {"properties": {"c": {"$ref": "#/$defs/t"}}}},
        "$defs": {"t": {"type": "integer"}},
    }
    assert [column.type for column in columns_of(root, stream="s")] == [
        Integer(),
        Struct((Column("c", Integer()),)),
    ]


def test_a_recursive_type_ends_in_json_text():
    node = {"properties": {"name": STRING, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
    (column,) = columns_of(
        {"properties": {"p": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}, stream="s"
    )
    assert column.type == Struct((Column("name", String()), Column("children", JsonText())))


def test_a_reference_to_itself_is_anything():
    root = {"properties": {"a": {"$ref": "#/properties/a"}, "b": {"$ref": "#"}}}
    types = [column.type for column in columns_of(root, stream="s")]
    assert types[0] == JsonText()
    assert types[1] == Struct((Column("a", JsonText()), Column("b", JsonText())))


@cases(
    ("timestamp", Timestamp()),
    ("TIMESTAMP(6) WITHOUT TIME ZONE", Timestamp()),
    ("timestamp(6)", Timestamp()),
    ("timestamp_ntz", Timestamp()),
    ("datetime2(7)", Timestamp()),
    ("timestamp with time zone", TimestampTz()),
    ("timestamptz", TimestampTz()),
    (7, TimestampTz()),
)
def test_naive_times_by_their_sql_type(node, expected):
    assert type_of({**DATE_TIME, "x-sql-datatype": node}) == expected


def test_native_uuids_are_an_option():
    assert type_of({"type": "string", "format": "uuid"}, native_uuid=True) == Uuid()
    assert type_of({"anyOf": [{"type": "string", "format": "uuid"}, STRING]}, native_uuid=True) == String()


@cases(
    ({"type": "number", "multipleOf": 0.0001}, Decimal(38, 4)),
    ({"type": "number", "multipleOf": 1e-05}, Decimal(38, 5)),
    ({"type": "number", "multipleOf": 1}, Decimal(38, 0)),
    ({"type": "number", "multipleOf": 100}, Decimal(38, 0)),
    ({"type": "number", "multipleOf": 0.25}, Decimal(38, 2)),
    ({"type": "number", "multipleOf": 1e-19}, Decimal(38, 19)),
    ({"type": "number", "multipleOf": 1e-20}, JsonText()),
    ({"type": "number", "multipleOf": 1e-20, "minimum": -1e18, "maximum": 1e18}, Decimal(38, 20)),
    ({"type": "number", "multipleOf": 1e-20, "minimum": -1e18, "exclusiveMaximum": 1e19}, JsonText()),
    ({"type": "number", "multipleOf": 1e-20, "maximum": 1}, JsonText()),
    ({"type": "number", "multipleOf": 1e-38, "minimum": -1e62, "maximum": 1e62}, JsonText()),
    ({"type": "number", "multipleOf": 1e-38, "minimum": 0, "maximum": 0.5}, Decimal(38, 38)),
    ({"type": "number", "multipleOf": 0.01, "exclusiveMaximum": True, "maximum": 10}, Decimal(38, 2)),
    ({"type": "number", "multipleOf": "0.01"}, Number()),
    ({"type": "number", "format": []}, Number()),
    ({"type": ["null", "string"], "multipleOf": 1}, String()),
    ({"type": "string", "x-precision": 12, "x-scale": 4}, String()),
    ({"type": "number", "multipleOf": True}, Number()),
    ({"type": "number", "multipleOf": float("inf")}, Decimal(38, 9)),
    ({"type": "number", "minimum": 0, "maximum": 10}, Number()),
    ({"type": "number", "x-precision": 12, "x-scale": 4}, Decimal(12, 4)),
    ({"type": "number", "x-precision": 12}, Decimal(38, 9)),
    ({"type": "number", "x-precision": 12, "multipleOf": 0.01}, Decimal(12, 2)),
    ({"type": "number", "x-scale": 4}, Decimal(38, 4)),
    ({"type": "number", "x-precision": 2, "x-scale": 5}, Decimal(5, 5)),
    ({"type": "number", "x-precision": 5, "x-scale": -2}, Decimal(7, 0)),
    ({"type": "number", "x-precision": 0, "x-scale": 0}, Decimal(1, 0)),
    ({"type": "number", "x-precision": 76, "x-scale": 10}, JsonText()),
    ({"type": "number", "precision": 12, "scale": 4}, Number()),
    ({"type": "string", "format": "singer.decimal"}, Decimal(38, 9)),
    ({"type": ["null", "string"], "format": "x-singer.decimal", "precision": 10, "scale": 2}, Decimal(10, 2)),
    ({"type": "string", "format": "singer.decimal", "precision": 10}, Decimal(38, 9)),
    ({"type": "string", "format": "decimal", "x-scale": 3}, Decimal(38, 3)),
    ({"type": "string", "format": "singer.decimal", "precision": 50, "scale": 2}, String()),
    ({"type": ["number", "string"], "format": "singer.decimal"}, Decimal(38, 9)),
    ({"type": ["number", "string"], "format": "singer.decimal", "precision": 50, "scale": 2}, JsonText()),
)  # fmt: skip
def test_decimals(node, expected):  # G8
    assert type_of(node) == expected


@cases(
    ({"maximum": 2**63 - 1, "minimum": -(2**63)}, Integer()),
    ({"maximum": float(2**63)}, Integer()),
    ({"maximum": 2**64 - 1}, Decimal(38, 0)),
    ({"minimum": -(2**63) - 1}, Decimal(38, 0)),
    ({"exclusiveMaximum": 2**64}, Decimal(38, 0)),
    ({"maximum": 10**38}, Decimal(38, 0)),
    ({"maximum": 10**38 + 1}, JsonText()),
    ({"maximum": 10**60}, JsonText()),
    ({"maximum": float("inf")}, JsonText()),
    ({"maximum": "big"}, Integer()),
    ({"multipleOf": 5}, Integer()),
)
def test_wide_integers(node, expected):
    assert type_of({"type": "integer", **node}) == expected


def test_columns_keep_order_and_names():  # G10
    names = ["b", "a", "", "e-mail", "test:SpecialChars!in?attributes", "ключ", "_x", "A"]
    columns = columns_of({"properties": dict.fromkeys(names, INTEGER)}, stream="s")
    assert [column.name for column in columns] == names


@pytest.mark.parametrize(
    ("node", "required"),
    [
        (INTEGER, True),
        ({"type": ["null", "integer"]}, False),
        ({"type": "integer", "nullable": True}, False),
        ({"anyOf": [INTEGER, {"type": "null"}]}, False),
        ({"enum": [1, None]}, False),
        ({"enum": [1]}, True),
        ({}, False),
        ({"allOf": [{"type": ["integer", "null"]}, INTEGER]}, True),
    ],
    ids=str,
)
def test_required_means_listed_and_not_null(node, required):
    schema = {"properties": {"p": node, "q": INTEGER}, "required": ["p", 7, None]}
    assert [column.required for column in columns_of(schema, stream="s")] == [required, False]


def test_required_of_both_sides_of_a_conjunction():
    schema = {"properties": {"a": INTEGER, "b": INTEGER}, "required": ["a"], "allOf": [{"required": ["b"]}]}
    assert all(column.required for column in columns_of(schema, stream="s"))


@pytest.mark.parametrize(
    "root",
    [
        {"properties": {"p": STRING}},
        {"type": ["null", "object"], "properties": {"p": STRING}},
        {"$ref": "#/$defs/r", "$defs": {"r": {"type": "object", "properties": {"p": STRING}}}},
        {"allOf": [{"type": "object"}, {"properties": {"p": STRING}}]},
        {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"p": STRING}}]},
    ],
    ids=lambda root: next(iter(root)),
)
def test_roots(root):
    assert columns_of(root, stream="s") == (Column("p", String()),)


def test_a_stream_without_columns():
    assert columns_of({"properties": {}}, stream="s") == ()


@pytest.mark.parametrize(
    ("root", "path", "reason"),
    [
        ({"type": "object"}, "", "not one object with `properties`"),
        ({}, "", "not one object"),
        ({"type": "array", "items": STRING}, "", "not one object"),
        ({"anyOf": [X, {"properties": {"y": STRING}}]}, "", "not one object"),
        ({"properties": [1]}, "/properties", "`properties` is not an object"),
        ({"properties": {"a/b": 3}}, "/properties/a~1b", "expected a schema, found int"),
        ({"properties": {"a": {"type": "float"}}}, "/properties/a/type", "unknown JSON type 'float'"),
        ({"properties": {"a": {"type": 3}}}, "/properties/a/type", "expected a list, found int"),
        ({"properties": {"a": {"type": [{}]}}}, "/properties/a/type", "unknown JSON type {}"),
        ({"properties": {"a": {"allOf": [{"type": 3}, {"type": "string"}]}}}, "", None),
        ({"properties": {"a": {"allOf": {}}}}, "/properties/a/allOf", "expected a list, found dict"),
        ({"properties": {"a": {"anyOf": {}}}}, "/properties/a/anyOf", "expected a list, found dict"),
        ({"properties": {"a": {"anyOf": [3]}}}, "/properties/a/anyOf/0", "expected a schema, found int"),
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, "/properties/a/$ref", "'#/nowhere' refers to nothing"),
        ({"properties": {"a": {"$ref": 3}}}, "/properties/a/$ref", "$ref is not a string"),
        ({"properties": {"a\0b": {}}}, "/properties/a\\x00b", "a name with U+0000 in it"),
        ({"properties": {"a\ud800": {}}}, "/properties/a\\ud800", "half of a surrogate pair"),
        (
            {"properties": {"a": {"type": "array", "items": {"properties": {"b": {"type": "x"}}}}}},
            "/properties/a/items/properties/b/type",
            "unknown JSON type 'x'",
        ),
    ],
    ids=str,
)
def test_what_is_no_schema_is_refused_with_its_place(root, path, reason):
    if reason is None:  # two contradictory demands: no value fits, and nothing is said of null
        assert columns_of(root, stream="s")[0].type == JsonText()
        return
    with pytest.raises(SchemaError) as caught:
        columns_of(root, stream="the stream")
    assert (caught.value.stream, caught.value.path) == ("the stream", path)
    assert reason in str(caught.value)
    assert "the stream" in str(caught.value)


def nested(depth, inner):
    node = inner
    for _ in range(depth):
        node = {"type": "object", "properties": {"x": node}}
    return node


def test_deep_nesting_ends_in_json_text():
    type_ = type_of(nested(MAX_DEPTH + 10, INTEGER))
    depth = 0
    while isinstance(type_, Struct):
        type_, depth = type_.columns[0].type, depth + 1
    assert (type_, depth) == (JsonText(), MAX_DEPTH)


@pytest.mark.parametrize("keyword", ["allOf", "anyOf"])
def test_absurd_nesting_is_refused(keyword):
    node = INTEGER
    for _ in range(5000):
        node = {keyword: [node]}
    with pytest.raises(SchemaError, match="nested too deeply"):
        type_of(node)


def test_a_schema_that_explodes_is_refused_in_bounded_time():
    definitions = {
        f"d{level}": {"properties": {f"p{index}": {"$ref": f"#/$defs/d{level + 1}"} for index in range(10)}}
        for level in range(12)
    }
    root = {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {**definitions, "d12": INTEGER}}
    started = time.monotonic()
    with pytest.raises(SchemaError, match="more than 100,000 sub-schemas"):
        columns_of(root, stream="s")
    assert time.monotonic() - started < 20


def test_alternatives_that_explode_are_refused():
    parts = [{"anyOf": [{"title": f"{part}-{branch}"} for branch in range(10)]} for part in range(8)]
    with pytest.raises(SchemaError, match="more than 100,000 sub-schemas"):
        type_of({"allOf": parts})


def test_the_sdk_complex_schema():
    """camelcase_complex_schema.singer of the SDK's target tests."""
    schema = {
        "properties": {
            "Id": {"type": "string"},
            "IsDeleted": {"type": ["null", "boolean"]},
            "CreatedDate": {"anyOf": [DATE_TIME, {"type": ["string", "null"]}]},
            "DisplayPosition": {"type": ["null", "integer"]},
        },
        "type": "object",
        "additionalProperties": False,
    }
    types = [column.type for column in columns_of(schema, stream="s")]
    assert types == [String(), Boolean(), TimestampTz(), Integer()]


KEYWORDS = st.sampled_from(
    ["type", "properties", "items", "anyOf", "allOf", "oneOf", "$ref", "enum", "const", "format", "nullable",
     "multipleOf", "minimum", "maximum", "required", "additionalProperties", "x-precision", "x-scale"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["object", "array", "string", "integer", "number", "null", "boolean", "date-time", "#", "p"]
)
NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | WORDS, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.text(max_size=2), NODES, max_size=3))
def test_any_json_has_columns_or_is_refused(properties):
    try:
        columns = columns_of({"properties": properties}, stream="s")
    except SchemaError:
        return
    assert [column.name for column in columns] == list(properties)
