"""Secrets that are known by the name beside them, whatever they are written in."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from dativo.secrets.key_values import hide_by_key, is_secret_name

CASES = json.loads((Path(__file__).parent / "cases" / "hidden_by_key.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_a_value_is_hidden_where_its_name_says_so(case):
    assert hide_by_key(case["text"], "#") == case["hidden"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_hiding_twice_is_hiding_once(case):
    assert hide_by_key(case["hidden"], "#") == case["hidden"]


@pytest.mark.parametrize("mask", ["****", "", r"\1\g<0>", "a b"])
def test_the_mask_is_taken_as_it_is(mask):
    assert hide_by_key("x password=abc y", mask) == f"x password={mask} y"
    assert hide_by_key('{"password": "abc"}', mask) == f'{{"password": "{mask}"}}'


@pytest.mark.parametrize(
    "name",
    [
        "pass", "PASS", "db_pass", "db-pass", "password", "passwords", "passwd", "passphrase_file",
        "secret", "client_secret_id", "tokens", "refreshToken", "apikey", "api-key-2", "accessKey",
        "private-key", "credential_path", "connectionstring", "connection-url", "connection_string", "dsn",
        "sentry_dsn", "proxy-authorization",
    ],
)  # fmt: skip
def test_a_name_that_says_so(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "user",
        "compass",
        "passes",
        "pass_through",
        "key",
        "primary_key",
        "keyfile",
        "dsn2",
        "connection",
        "url",
    ],
)
def test_a_name_that_does_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "token_" * 20_000,
        "password" * 10_000,
        "://" + "a:" * 50_000,
        '"token" : "' + "\\" * 50_001,
        "token= " * 20_000,
    ],
    ids=["names", "words", "colons", "escapes", "pairs"],
)
def test_no_text_takes_long(text):
    began = time.process_time()
    hide_by_key(text, "#")
    assert time.process_time() - began < 2
