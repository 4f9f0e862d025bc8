"""The error tree: what its reader should do, where it happened, how the process ends."""

from __future__ import annotations

import pytest
from dativo_protocol import errors
from dativo_protocol.errors import (
    ConfigError,
    DativoError,
    DownstreamClosed,
    InvalidRecordError,
    MessageError,
    ProtocolError,
    SchemaError,
    SourceError,
    StoreError,
)
from dativo_protocol.events import InvalidEvent


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = {word for word in errors.__doc__.replace("(", " ").split() if word.isidentifier()}
    classes = {name for name, each in vars(errors).items() if isinstance(each, type)}
    assert classes <= drawn
    assert all(issubclass(getattr(errors, name), DativoError) for name in classes)


def test_every_failure_exits_1_but_a_closed_downstream_exits_3():
    assert {each.exit_code for each in DativoError.__subclasses__()} == {1, 3}
    assert DownstreamClosed().exit_code == 3


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MessageError("not JSON", line=7), "line 7: not JSON"),
        (ProtocolError("odd", line=7, stream="s"), "line 7, stream 's': odd"),
        (
            SchemaError("no properties", stream="s", path="/properties/a"),
            "stream 's', /properties/a: no properties",
        ),
        (
            InvalidRecordError("not a date", line=3, stream="s", path="/d"),
            "line 3, stream 's', /d: not a date",
        ),
        (SourceError("down"), "down"),
    ],
)
def test_the_place_is_in_the_message(error, text):
    assert str(error) == text
    assert error.message == text


def test_instructions_can_be_given_and_have_defaults():
    assert ConfigError("x").instruction
    assert ConfigError("x", instruction="Do y.").instruction == "Do y."
    assert StoreError("x").instruction == ""


def test_only_who_says_so_is_retryable():
    assert SourceError("x", retryable=True).retryable
    assert not StoreError("x").retryable


@pytest.mark.parametrize(
    ("path", "reason", "kind", "text"),
    [
        (
            "",
            "record before schema",
            errors.RecordsWithoutSchemaError,
            "line 4, stream 's': record before schema",
        ),
        ("/id", "key property missing", errors.MissingKeyPropertyError, "key property missing: id"),
        ("/n", "expected integer, got string", InvalidRecordError, "/n: expected integer"),
    ],
)
def test_an_invalid_event_knows_its_error(path, reason, kind, text):
    error = InvalidEvent(4, "s", path, reason, b"{}").error()
    assert type(error) is kind
    assert text in str(error)
