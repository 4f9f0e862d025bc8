"""Texts that wait for secrets: found wherever they stand, and put in their place; the rest is not touched."""

from __future__ import annotations

import dataclasses

import pytest
from dativo.jobs.resolving import resolved_in, secret_texts, secrets_of
from dativo.jobs.secret_text import SecretRef, SecretText

A, B = SecretRef("a", "pw"), SecretRef("b")
WHOLE_A, WHOLE_B = SecretText((A,)), SecretText((B,))
MIXED = SecretText(("x", A, "y", B, A))


@dataclasses.dataclass(frozen=True)
class Side:
    """As in a job: values deep inside."""

    name: str
    config: dict
    more: tuple = ()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (WHOLE_A, [WHOLE_A]),
        ({"k": WHOLE_A, "l": [WHOLE_B, 5]}, [WHOLE_A, WHOLE_B]),
        ((WHOLE_B, [{"x": (WHOLE_A,)}]), [WHOLE_B, WHOLE_A]),
        (Side("n", {"k": MIXED}, (WHOLE_A,)), [MIXED, WHOLE_A]),
        ([WHOLE_A, WHOLE_A], [WHOLE_A, WHOLE_A]),
        ({WHOLE_A: 1}, []),
        ("${secret:a}", []),
        (None, []),
        (5, []),
        (Side, []),
        ([], []),
    ],
)
def test_every_text_is_found_in_order(value, found):
    assert list(secret_texts(value)) == found


def test_every_secret_is_named_once_and_sorted_as_written():
    versions = SecretText((SecretRef("a", "pw", "3"), SecretRef("a")))
    found = secrets_of([WHOLE_B, MIXED, {"v": versions}])
    assert [str(ref) for ref in found] == ["a", "a#pw", "a#pw@3", "b"]
    assert secrets_of({"k": "plain"}) == ()


def resolve(text):
    if text.whole:
        return {"a#pw": ["a", "payload"], "b": 7}[str(text.whole)]
    return "".join(part if isinstance(part, str) else f"<{part}>" for part in text.parts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (WHOLE_B, 7),
        (MIXED, "x<a#pw>y<b><a#pw>"),
        ({"k": WHOLE_A, "p": "plain"}, {"k": ["a", "payload"], "p": "plain"}),
        ([WHOLE_B, (WHOLE_B, None)], [7, (7, None)]),
        (Side("n", {"k": [MIXED]}, (WHOLE_B,)), Side("n", {"k": ["x<a#pw>y<b><a#pw>"]}, (7,))),
        (Side, Side),
        (1.5, 1.5),
    ],
)
def test_each_stands_for_what_it_is(value, expected):
    found = resolved_in(value, resolve)
    assert found == expected
    assert type(found) is type(expected)
    assert list(secret_texts(found)) == []


def test_what_was_given_still_waits():
    inner = {"k": [WHOLE_A]}
    given = Side("n", inner)
    resolved_in(given, resolve)
    assert given.config is inner
    assert inner == {"k": [WHOLE_A]}


def test_what_a_secret_holds_is_not_looked_through():
    """A payload that looks like a reference is a payload."""
    assert resolved_in({"k": WHOLE_B}, lambda _: WHOLE_A) == {"k": WHOLE_A}
