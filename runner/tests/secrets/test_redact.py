"""Secrets by key and by value."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from dativo.secrets.redact import MASK, Redactor, is_secret_name, secret_variables, secrets_in


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "db_password", "passwd", "passphrase", "client_secret", "token",
        "access_token", "api_key", "api-key", "apikey", "STRIPE_API_KEY", "private_key",
        "aws_secret_access_key", "credentials", "credentials_json", "connection_string", "dsn",
        "Authorization", "db_pass",
    ],
)  # fmt: skip
def test_names_that_say_they_are_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["path", "keys", "key", "auth", "author", "passenger", "compass", "dsn_name", "user"]
)
def test_names_that_do_not(name):
    assert not is_secret_name(name)


def test_secrets_are_found_by_name_at_any_depth():
    config = {
        "user": "me",
        "password": "hunter2",
        "credentials": {"kind": "basic", "values": ["abcd", 12345, True, None]},
        "servers": [{"token": "t0ken", "host": "h"}],
    }
    assert list(secrets_in(config, ())) == ["hunter2", "basic", "abcd", "12345", "t0ken"]


def test_secrets_are_found_by_declared_path():
    config = {"sources": [{"code": "abcd"}, {"code": "efgh"}], "code": "shown", "pin": 1234}
    assert list(secrets_in(config, ["sources.code", "pin"])) == ["abcd", "efgh", "1234"]


def test_variables_count_by_their_names():
    assert list(secret_variables({"DB_PASSWORD": "x1", "HOME": "y2"})) == ["x1"]


def test_every_form_of_a_value_is_masked():
    secret = 'pa"ss wörd/1'
    redact = Redactor([secret])
    for form in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        quote(secret, safe=""),
        quote(secret),
    ):
        masked = redact(f"before {form} after")
        assert "ss" not in masked
        assert MASK in masked


def test_a_secret_of_several_lines_is_masked_line_by_line():
    redact = Redactor(["-----BEGIN-----\nabcdefgh\nij\n-----END-----"])
    assert redact("x abcdefgh y") == f"x {MASK} y"
    assert "abcdefgh" not in redact(json.dumps("-----BEGIN-----\nabcdefgh\nij\n-----END-----"))


def test_a_secret_that_contains_another_is_masked_whole():
    assert Redactor(["abcd", "abcdefgh"])("abcdefgh abcd") == f"{MASK} {MASK}"


def test_short_values_and_no_values_change_nothing():
    assert Redactor([])("text") == "text"
    assert Redactor(["a", "", "   "])("a b   c") == "a b   c"
