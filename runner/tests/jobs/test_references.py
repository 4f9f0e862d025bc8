"""`${VAR}` references: what they become, what is refused, what is remembered."""

from __future__ import annotations

import pytest
from dativo.jobs.references import ExpansionError, Variables
from dativo.jobs.secret_text import SecretRef, SecretText


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
    "text",
    [
        "${}",
        "${A B}",
        "${secret:}",
        "${secret:../x}",
        "${secret:a b}",
        "${HOST:-${A}}",
        "${1ST}",
        "${OPEN",
        "${HOST:default}",
        "${HOST-x}",
    ],
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


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("${secret:pg}", (SecretRef("pg"),)),
        ("${secret:pg#password}", (SecretRef("pg", "password"),)),
        ("${secret:team/pg#user.name@3}", (SecretRef("team/pg", "user.name", "3"),)),
        ("${secret:pg@v-2}", (SecretRef("pg", None, "v-2"),)),
        (
            "postgres://${HOST}:${secret:pg#password}@db/$${x}",
            ("postgres://db.example:", SecretRef("pg", "password"), "@db/${x}"),
        ),
        ("${secret:a}${secret:b}", (SecretRef("a"), SecretRef("b"))),
    ],
)
def test_a_text_with_secrets_waits_for_them(text, parts):
    found = Variables({"HOST": "db.example"}).expand(text)
    assert found == SecretText(parts)
    assert found.whole == (parts[0] if len(parts) == 1 else None)


def test_a_text_that_waits_shows_the_references_and_no_variable():
    text = Variables({"TOKEN": "hunter2"}).expand("x${TOKEN}${secret:pg#password@3}")
    assert str(text) == "…${secret:pg#password@3}"
    assert [str(ref) for ref in text.refs] == ["pg#password@3"]


def test_a_variable_called_secret_is_one():
    assert Variables({"secret": "x"}).expand("${secret}${secret:-y}") == "xx"
