"""`${VAR}` references: what they become, what is refused, what is remembered."""

from __future__ import annotations

import pytest
from dativo.jobs.references import ExpansionError, Variables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${HOST}", "db.example"),
        ("${HOST}:${PORT}/x", "db.example:5432/x"),
        ("${MISSING:-fallback}", "fallback"),
        ("${MISSING:-}", ""),
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY}", ""),
        ("${HOST:-fallback}", "db.example"),
        ("${MISSING:-a:-b}", "a:-b"),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("$HOST and $ and }", "$HOST and $ and }"),
        ("{HOST}", "{HOST}"),
        ("${NESTED}", "${HOST}"),
    ],
)
def test_references_become_values(text, expected):
    environ = {"HOST": "db.example", "PORT": "5432", "EMPTY": "", "NESTED": "${HOST}"}
    assert Variables(environ).expand(text) == expected


def test_every_missing_variable_is_named_at_once():
    with pytest.raises(ExpansionError) as caught:
        Variables({}).expand("${ONE}/${TWO}")
    assert "${ONE} is not set" in str(caught.value)
    assert "${TWO} is not set" in str(caught.value)
    assert "${ONE:-default}" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["${}", "${A B}", "${secret:name}", "${1ST}", "${OPEN", "${HOST:default}", "${HOST-x}"]
)
def test_what_looks_like_a_reference_but_is_none_is_refused(text):
    with pytest.raises(ExpansionError, match="is no reference"):
        Variables({"HOST": "x", "OPEN": "x"}).expand(text)


def test_an_error_never_shows_the_value_of_a_variable():
    with pytest.raises(ExpansionError) as caught:
        Variables({"PASSWORD": "hunter2"}).expand("${PASSWORD}@${MISSING}")
    assert "hunter2" not in str(caught.value)


def test_variables_that_were_read_are_remembered_and_defaults_are_not():
    variables = Variables({"A": "1", "B": "2", "C": ""})
    variables.expand("${A} ${C:-x} ${D:-y}")
    assert variables.used == {"A": "1"}
