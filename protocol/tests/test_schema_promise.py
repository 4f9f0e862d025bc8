"""The promise of the type table, against jsonschema: what a schema allows fits the column chosen for it.

Two promises are narrower and are left out here: integers without bounds have 64 bits, and text beside a
date is expected to be a date.
"""

import decimal

import jsonschema
from dativo_protocol.columns import (
    Boolean,
    Decimal,
    Integer,
    JsonText,
    ListOf,
    MapOf,
    Number,
    Struct,
)
from dativo_protocol.schema import columns_of
from dativo_protocol.shapes import merge
from hypothesis import given, settings
from hypothesis import strategies as st

SCALARS = [None, True, False, 0, 1, -5, 5.0, 2**64 - 1, 1.5, 0.25, 0.01, "", "abc", "2024-01-01"]
VALUES = [
    *SCALARS,
    [],
    [1, None],
    ["a", 1],
    [[1], []],
    [{"a": 1}, {"b": "x"}],
    {},
    {"a": 1},
    {"a": "x", "b": None},
    {"a": {"a": 0.25}, "b": [True]},
    {"b": {"a": "x", "c": 1}},
    {"c": "x"},
    {"a": [{"b": 1.5}], "c": 2},
]


def fits(type_, value):
    """Whether the column can hold the value as it is."""
    if value is None or isinstance(type_, JsonText):
        return True
    match type_:
        case Boolean():
            return isinstance(value, bool)
        case Integer():
            return is_number(value) and value == int(value)
        case Number():
            return is_number(value)
        case Decimal(precision, scale):
            return is_number(value) and fits_digits(decimal.Decimal(repr(value)), precision, scale)
        case Struct(columns):
            return isinstance(value, dict) and all(
                fits(column.type, value.get(column.name)) for column in columns
            )
        case ListOf(item):
            return isinstance(value, list) and all(fits(item, each) for each in value)
        case MapOf(member):
            return isinstance(value, dict) and all(fits(member, each) for each in value.values())
    return isinstance(value, str)


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def fits_digits(number, precision, scale):
    shifted = number.scaleb(scale, decimal.Context(prec=100))
    return shifted == shifted.to_integral_value() and len(str(abs(int(shifted)))) <= precision


TYPES = st.lists(
    st.sampled_from(["null", "boolean", "integer", "number", "string"]), min_size=1, max_size=3, unique=True
)
RESTRICTIONS = st.fixed_dictionaries(
    {},
    optional={
        "multipleOf": st.sampled_from([1, 0.5, 0.25, 0.01, 10]),
        "minimum": st.sampled_from([-10, 0, 1.5]),
        "maximum": st.sampled_from([1, 2**64, 10.5]),
        "maxLength": st.integers(0, 3),
        "format": st.sampled_from(["date", "date-time", "uuid", "email"]),
        "contentEncoding": st.just("base64"),
    },
)
LEAVES = st.one_of(
    st.builds(lambda types, more: {"type": types, **more}, TYPES, RESTRICTIONS),
    st.builds(lambda types, more: {"type": types[0], **more}, TYPES, RESTRICTIONS),
    st.lists(st.sampled_from(SCALARS), min_size=1, max_size=3).map(lambda values: {"enum": values}),
    st.sampled_from(VALUES).map(lambda value: {"const": value}),
    st.sampled_from([{}, True, False, {"$ref": "#/$defs/leaf"}, {"$ref": "#/$defs/tree"}]),
)


def containers(inner):
    members = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    nullable = st.sampled_from(["object", ["object", "null"], ["null", "object", "string"]])
    branches = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda type_, properties: {"type": type_, "properties": properties}, nullable, members),
        st.builds(lambda type_, value: {"type": type_, "additionalProperties": value}, nullable, inner),
        inner.map(lambda items: {"type": ["array", "null"], "items": items}),
        branches.map(lambda each: {"type": "array", "prefixItems": each}),
        st.builds(
            lambda keyword, each, more: {keyword: each, **more},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            branches,
            st.just({}) | TYPES.map(lambda types: {"type": types}),
        ),
        st.builds(lambda one, other: {"anyOf": [one, {"type": "null"}], "allOf": [other]}, inner, inner),
    )


SCHEMAS = st.recursive(LEAVES, containers, max_leaves=10)
DEFINITIONS = {
    "leaf": {"type": ["integer", "null"], "maximum": 9},
    "tree": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    },
}


@settings(max_examples=300, deadline=None)
@given(SCHEMAS)
def test_what_the_schema_allows_fits_the_column(node):
    root = {"type": "object", "properties": {"p": node}, "$defs": DEFINITIONS}
    column = columns_of(root, stream="s", native_uuid=True)[0]
    validator = jsonschema.Draft202012Validator(root)
    for value in VALUES:
        if validator.is_valid({"p": value}):
            assert fits(column.type, value), (column.type, value)
            assert not (column.required and value is None)


@settings(max_examples=150, deadline=None)
@given(SCHEMAS)
def test_required_is_never_claimed_of_a_value_that_may_be_null(node):
    root = {"type": "object", "properties": {"p": node}, "required": ["p"], "$defs": DEFINITIONS}
    column = columns_of(root, stream="s")[0]
    assert not (column.required and jsonschema.Draft202012Validator(root).is_valid({"p": None}))


OBJECTS = SCHEMAS.filter(lambda node: isinstance(node, dict) and "$ref" not in str(node))


@settings(max_examples=150, deadline=None)
@given(OBJECTS, OBJECTS)
def test_merging_keeps_every_type_that_both_sides_allow(first, second):
    both = {"properties": {"p": merge(first, second)}}
    column = columns_of(both, stream="s")[0]
    validator = jsonschema.Draft202012Validator({"allOf": [first, second]})
    for value in VALUES:
        if validator.is_valid(value):
            assert fits(column.type, value), (column.type, value)
