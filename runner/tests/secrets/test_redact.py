"""Secrets by key and by value."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from base64 import b64encode
from urllib.parse import quote

import pytest
from dativo.cli import main
from dativo.secrets.key_values import is_secret_name
from dativo.secrets.redact import MASK, Redactor, everywhere, secret_variables, secrets_in
from hypothesis import given, settings
from hypothesis import strategies as st


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


# --- in all forms, cut anywhere

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=5, max_size=24).filter(
    lambda text: len(text.strip()) >= 5 and len(text.splitlines()) == 1
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=3), st.text(max_size=30), st.text(max_size=30))
def test_no_known_value_remains_in_any_text(values, before, after):
    redact = Redactor(values)
    for value in values:
        for form in (value, json.dumps(value), quote(value), f"{before}{value}{value}{after}"):
            assert value not in redact.values(f"{before}{form}{after}").replace(MASK, "")


@settings(max_examples=150, deadline=None)
@given(VALUES, st.text("ab c", max_size=20), st.text("ab c", max_size=20), st.integers(1, 60))
def test_a_line_cut_anywhere_shows_no_part_of_a_value(value, before, after, at):
    redact, line = Redactor([value]), f"*{before}{value}{after}".encode()
    at = min(at, len(line))
    # What had come when it was cut, and what came later, arrive separately.
    for known in (line, line[: max(at, 1)]):
        cut = redact.safe_cut(known, at)
        assert 0 <= cut <= at
        pieces = [piece.decode(errors="replace") for piece in (line[:cut], line[cut:])]
        assert value not in redact.values(pieces[0]) + redact.values(pieces[1])


@given(st.binary(min_size=9, max_size=30), st.binary(max_size=9), st.binary(max_size=9))
def test_base64_shows_nothing_wherever_the_value_stands_in_it(value, before, after):
    secret = value.hex()
    encoded = b64encode(before + secret.encode() + after).decode()
    for text in (encoded, encoded.replace("+", "-").replace("/", "_")):
        hidden = Redactor([secret]).values(f"Basic {text}")
        assert MASK in hidden
        assert len(hidden) <= len("Basic ") + len(MASK) + 2 * 14 + 6


def test_more_values_can_be_learnt():
    redact = Redactor(["first-one"])
    redact.add(["second-one", "first-one"])
    assert redact("first-one second-one") == f"{MASK} {MASK}"


# --- by key


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("connect password=hunter2 host=h", "connect password=**** host=h"),
        ("DB_PASSWORD='a b' x", "DB_PASSWORD='****' x"),
        ('{"password": "a \\"b\\" c", "user": "u"}', '{"password": "****", "user": "u"}'),
        ('{"pin_token": 12345, "n": 1}', '{"pin_token": "****", "n": 1}'),
        ("{'api_key': 'abc', 'x': 1}", "{'api_key': '****', 'x': 1}"),
        ('"{\\"password\\": \\"abc\\"}"', '"{\\"password\\": \\"****\\"}"'),
        ("password: hunter2", "password: ****"),
        ("token: abc, user: me", "token: ****, user: me"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ****"),
        ("'Authorization': 'Basic dTpw'", "'Authorization': 'Basic ****'"),
        ("postgresql://etl:hunter2@db:5432/x", "postgresql://etl:****@db:5432/x"),
        ("https://u:p@ss:w@rd@host/x?a=b@c", "https://u:****@host/x?a=b@c"),
        ("GET /x?access_token=abc&page=2", "GET /x?access_token=****&page=2"),
    ],
)
def test_what_stands_beside_a_secret_name_is_hidden(text, hidden):
    assert Redactor()(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "jobs/a.yaml:7:5: source.config.password: expected a text, not a number",
        'password authentication failed for user "etl"',
        "password: expected a text",
        "keys=id passenger=5 compass: north monkey=1",
        "https://host:8080/path",
        "mail to me@example.com",
        '{"type": "counter", "metric": "record_count", "value": 5, "tags": {"stream": "tokens"}}',
    ],
)
def test_what_is_no_secret_stays(text):
    assert Redactor()(text) == text


def test_fields_are_hidden_by_key_and_by_value():
    redact = Redactor(["hunter2"])
    assert redact.fields(
        {"password": "x", "list": [{"token": 5, "a": "is hunter2"}], "n": 5, "hunter2": None, "secret": None}
    ) == {"password": MASK, "list": [{"token": MASK, "a": f"is {MASK}"}], "n": 5, MASK: None, "secret": None}


def test_errors_of_the_process_hide_what_it_has_learnt(tmp_path, monkeypatch, capsys):
    everywhere().add(["planted-value"])
    monkeypatch.setattr("sys.argv", ["dativo", "run", str(tmp_path / "planted-value.yaml")])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().err
    assert MASK in shown
    assert "planted-value" not in shown


def test_errors_of_the_system_hide_it_too(monkeypatch, capsys):
    everywhere().add(["planted-value"])

    def fail(**_):
        raise OSError(28, "No space left", "planted-value")

    monkeypatch.setattr("dativo.cli.cli.main", fail)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == f"dativo: {MASK}: No space left\n"


@pytest.mark.parametrize("word", ["token", "a-token", '"token', "secret_token_", "'api_key"])
def test_a_long_line_full_of_secret_names_takes_no_time(word):
    """Who writes such lines must not hold up who watches: 64 KiB are cut off of any line."""
    began = time.process_time()
    Redactor(["s3cret"])(word * (65_536 // len(word)))
    assert time.process_time() - began < 2.0


def test_another_process_hides_what_this_one_knows():
    ours, theirs = Redactor(["p@ss word"]), Redactor()
    theirs.know(ours.forms)
    for text in ("x p@ss word y", "p%40ss+word", "cEBzcyB3b3Jk"):
        assert theirs(text) == ours(text) != text


def test_a_failure_that_nobody_has_foreseen_hides_them_too():
    program = (
        "from dativo.secrets.redact import everywhere\n"
        "from dativo.secrets.tracebacks import hide_in_tracebacks\n"
        "hide_in_tracebacks(); everywhere().add(['s3cret-8417']); {}['no s3cret-8417 here']"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "KeyError: 'no **** here'" in done.stderr
    assert "8417" not in done.stderr.partition("KeyError")[2]
