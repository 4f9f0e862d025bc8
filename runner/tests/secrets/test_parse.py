"""What a payload is taken for."""

from __future__ import annotations

import pytest
from dativo.secrets.parse import parse_payload


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("hunter2", "hunter2"),
        ("hunter2\n", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        (" spaces stay ", " spaces stay "),
        ("", ""),
        ('{"a": 1}', {"a": 1}),
        (b'["a"]\n', ["a"]),
        ("{not json", "{not json"),
        ("A=1\nB='two words' \n# no\n\nexport C=\"x=y\"", {"A": "1", "B": "two words", "C": "x=y"}),
        ("A=1\nD=e # why\n", {"A": "1", "D": "e"}),
        ("export TOKEN=abc", {"TOKEN": "abc"}),
        ("dGV4dA==", "dGV4dA=="),
        ("host=db", "host=db"),
        ("A=$HOME\nB=${X}", {"A": "$HOME", "B": "${X}"}),
        ("-----BEGIN KEY-----\nabc=\n-----END KEY-----\n", "-----BEGIN KEY-----\nabc=\n-----END KEY-----"),
        (b"\xff\x00", "/wA="),
        ("5", "5"),
    ],
)  # fmt: skip
def test_what_it_is_by_itself(payload, value):
    assert parse_payload(payload) == value


@pytest.mark.parametrize(
    ("payload", "form", "value"),
    [
        ('{"a": 1}', "text", '{"a": 1}'),
        ("5", "json", 5),
        ("A=1", "env", {"A": "1"}),
        ("A=1\nB=2", "text", "A=1\nB=2"),
    ],
)
def test_what_it_is_said_to_be(payload, form, value):
    assert parse_payload(payload, form) == value


@pytest.mark.parametrize(("form", "why"), [("json", "it is not JSON"), ("env", "NAME=value lines")])
def test_what_is_not_what_it_is_said_to_be_is_not_shown(form, why):
    with pytest.raises(ValueError, match=why) as caught:
        parse_payload("hunter2 hunter3", form)
    assert "hunter" not in str(caught.value)
