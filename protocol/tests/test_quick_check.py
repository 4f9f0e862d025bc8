"""The quick check never accepts what jsonschema would refuse, and spares its import in the usual case."""

from __future__ import annotations

import json
import sys

import pytest
from dativo_protocol.quick_check import is_plainly_valid
from dativo_protocol.testing import run
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.0, 1.0, 1.5, -2.5, float("nan"), float("inf")]),
    st.text("ab", max_size=3),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
NUMBERS = st.integers(-2, 2)


def optional(**keywords):
    return st.fixed_dictionaries({}, optional=keywords)


LEAVES = optional(
    type=st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=2, unique=True)),
    enum=st.lists(SCALARS, min_size=1, max_size=3),
    minimum=NUMBERS,
    maximum=NUMBERS,
    minLength=st.integers(0, 2),
    pattern=st.sampled_from(["^a", "b$", "ab"]),
    minItems=st.integers(0, 2),
    title=st.just("title"),
    secret=st.booleans(),
)


def nested(inner):
    properties = st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    return st.one_of(
        optional(type=st.just("array"), items=inner),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries(
            {"properties": properties},
            optional={
                "required": st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
                "additionalProperties": st.one_of(st.just(True), inner),
            },
        ),
    )


SCHEMAS = st.recursive(LEAVES, nested, max_leaves=6)


@settings(deadline=None, max_examples=200)
@given(SCHEMAS, VALUES)
def test_what_is_accepted_is_valid(schema, value):
    if is_plainly_valid(schema, value):
        assert Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 1}, 1),
        ({"type": "integer"}, 2.0),
        ({"type": ["string", "null"]}, None),
        ({"type": "string", "enum": ["a", "b"]}, "b"),
        ({"type": "string", "pattern": "^a", "minLength": 2}, "ab"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, ["a"]),
        (
            {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": True},
            {"a": 1, "b": 2},
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, ["a"]),
        (
            {
                "title": "t",
                "description": "d",
                "default": 1,
                "examples": [],
                "secret": True,
                "writeOnly": True,
            },
            1,
        ),
    ],
)
def test_usual_settings_are_accepted(schema, value):
    assert is_plainly_valid(schema, value)


@pytest.mark.parametrize("keyword", ["const", "format", "not", "maxLength", "$ref", "uniqueItems"])
def test_an_unknown_keyword_is_left_to_jsonschema(keyword):
    assert not is_plainly_valid({keyword: {}}, 1)


@pytest.mark.parametrize(("rows", "imported"), [(3, False), (-3, True)])
def test_jsonschema_is_imported_only_for_doubtful_settings(tap, rows, imported):
    command = [
        sys.executable,
        "-X",
        "importtime",
        *tap[1:],
        "--config",
        json.dumps({"rows": rows}),
        "--discover",
    ]
    stderr = run(command).stderr
    assert ("jsonschema.validators" in stderr) is imported
