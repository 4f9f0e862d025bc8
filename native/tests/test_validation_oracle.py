"""Native validation against `jsonschema` (Draft 2020-12), on generated schemas and records.

Every property is planned as JSON text, so whatever is refused is refused by validation. Formats are
left out: `jsonschema` checks most of them only with further packages.
"""

import json
from decimal import Decimal

import pyarrow as pa
from dativo_native import EventKind, RecordReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from .kinds import JSON_TEXT

NAMES = ["a", "b", "c"]
SMALL = st.integers(-12, 12)
HALVES = st.integers(-25, 25).map(lambda number: number / 2).filter(lambda number: number != int(number))
TEXTS = st.sampled_from(["", "a", "ab", "abc", "éé", "🦀🦀🦀", "10", "x-1", "a\nb"])
SCALARS = st.one_of(st.none(), st.booleans(), SMALL, HALVES, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=5,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def optional(**keywords):
    """A strategy of schemas with any of these keywords."""
    return st.fixed_dictionaries({}, optional=keywords)


def merged(*schemas):
    return st.tuples(*schemas).map(
        lambda parts: {key: value for part in parts for key, value in part.items()}
    )


ANY_TYPE = optional(type=st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)))
NUMERIC = optional(
    minimum=SMALL,
    maximum=SMALL | HALVES,
    exclusiveMinimum=SMALL | HALVES,
    exclusiveMaximum=SMALL,
    multipleOf=st.sampled_from([1, 2, 3, 0.5, 1.5]),
)
TEXTUAL = optional(
    minLength=st.integers(0, 3),
    maxLength=st.integers(0, 3),
    pattern=st.sampled_from(["^a", "b$", "^[a-c]*$", "[0-9]+", "é{2}", "^.$"]),
)
CHOICES = st.one_of(optional(enum=st.lists(SCALARS, min_size=1, max_size=4)), optional(const=SCALARS))
LEAVES = st.one_of(
    merged(ANY_TYPE, NUMERIC), merged(ANY_TYPE, TEXTUAL), merged(ANY_TYPE, CHOICES), st.just({})
)


def containers(inner):
    arrays = optional(items=inner, minItems=st.integers(0, 3), maxItems=st.integers(0, 3))
    objects = optional(
        properties=st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3),
        required=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    )
    return st.one_of(merged(ANY_TYPE, arrays), merged(ANY_TYPE, objects), nullable(inner))


def nullable(inner):
    """`anyOf` with a null branch, the one form of it that is checked natively."""
    return inner.filter(lambda schema: schema.get("type") != "null").map(
        lambda schema: {"anyOf": [schema, {"type": "null"}]}
    )


PROPERTIES = st.recursive(LEAVES, containers, max_leaves=4)
SCHEMAS = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.fixed_dictionaries(dict.fromkeys(NAMES, PROPERTIES)),
        "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    }
)
RECORDS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3), max_size=8)
PLAN = pa.schema([pa.field(name, pa.string(), metadata=JSON_TEXT) for name in NAMES])


def refused_lines(schema, records):
    lines = [{"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": []}]
    lines += [{"type": "RECORD", "stream": "s", "record": record} for record in records]
    with RecordReader(None) as reader:
        reader.feed("".join(json.dumps(line) + "\n" for line in lines).encode())
        reader.finish()
        refused = set()
        while (event := reader.next()).kind is not EventKind.END:
            if event.kind is EventKind.SCHEMA:
                reader.plan("s", PLAN, json.dumps(schema).encode())
            elif event.kind is EventKind.INVALID:
                refused.add(event.line)
                assert event.reason
    return refused


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMAS, RECORDS)
def test_what_jsonschema_refuses_is_refused(schema, records):
    exact = json.loads(json.dumps(schema), parse_float=Decimal)
    validator = Draft202012Validator(exact)
    parsed = [json.loads(json.dumps(record), parse_float=Decimal) for record in records]
    expected = {line for line, record in enumerate(parsed, start=2) if not validator.is_valid(record)}
    assert refused_lines(schema, records) == expected
