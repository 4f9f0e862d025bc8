"""Labelled lines and the status line below them."""

from __future__ import annotations

import io
import os

import pytest
from dativo.observe.console import Console
from dativo.secrets.redact import Redactor


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")


def screen(text: str) -> list[str]:
    """What a terminal shows after `text`, for the two control sequences in use."""
    lines = [""]
    for piece in text.replace("\r\x1b[K", "\r").splitlines(keepends=True):
        body = piece.rstrip("\n")
        lines[-1] = body if "\r" not in body else body.rsplit("\r", 1)[1]
        if piece.endswith("\n"):
            lines.append("")
    return lines


def test_labels_have_one_width():
    out = io.StringIO()
    console = Console(out, ("tap-x", "target-long"))
    console.line("tap-x", "one\ntwo")
    console.line("target-long", "three")
    console.line("tap-x", "")
    assert out.getvalue() == "tap-x       | one\ntap-x       | two\ntarget-long | three\ntap-x       | \n"


def test_the_status_stays_below_the_lines():
    out = Terminal()
    console = Console(out, ("tap",))
    console.status("10 records")
    console.line("tap", "hello")
    console.status("20 records")
    assert screen(out.getvalue()) == ["tap | hello", "20 records"]
    console.status("")
    console.say("done")
    assert screen(out.getvalue()) == ["tap | hello", "done", ""]


def test_the_status_is_cut_to_the_width_of_the_terminal():
    out = Terminal()
    Console(out).status("x" * 200)
    assert screen(out.getvalue()) == ["x" * 59]


def test_a_board_of_several_lines_is_erased_whole():
    out = Terminal()
    console = Console(out, ("tap",))
    console.board(["one", "two", "three"])
    console.line("tap", "hello")
    console.board(["four"])
    console.board([])
    erase_three = "\r\x1b[K" + "\x1b[1A\x1b[2K" * 2
    board = "one\ntwo\nthree"
    assert out.getvalue() == (f"\r\x1b[K{board}{erase_three}tap | hello\n{board}{erase_three}four\r\x1b[K")


def test_an_unchanged_status_is_not_written_again():
    out = Terminal()
    console = Console(out)
    console.status("same")
    size = len(out.getvalue())
    console.status("same")
    assert len(out.getvalue()) == size


def test_a_reader_that_has_gone_silences_the_console_and_nothing_else():
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w", buffering=1)
    console = Console(out)
    console.say("nobody reads this")
    console.say("nor this")
    console.status("nor this")
    out.close()  # what it still holds goes nowhere, or the exit of the process would fail


def test_what_the_runner_says_itself_shows_no_secret():
    out = io.StringIO()
    Console(out, (), Redactor(["planted-in-a-message"])).say(
        "the store does not answer: https://u:planted-in-a-message@host"
    )
    assert out.getvalue() == "the store does not answer: https://u:****@host\n"
