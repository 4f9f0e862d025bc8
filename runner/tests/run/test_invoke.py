"""Asking a connector: answers, limits, and what is said when there is none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from dativo.errors import ConnectorError
from dativo.run import invoke
from dativo.run.invoke import ask, describe_exit
from dativo.run.process import Command


@pytest.fixture
def asked(tmp_path):
    """Asks a shell script; returns (answer, lines of stderr)."""

    def asked(script, *, seconds=60.0):
        lines = []
        argv = ("/bin/sh", "-c", script, "--discover")
        answer = ask(Command("tap-x", argv, tmp_path, dict(os.environ)), lines.append, seconds=seconds)
        return answer, lines

    return asked


def test_stdout_is_the_answer_and_stderr_is_logged(asked):
    answer, lines = asked("echo one; echo log >&2; echo two; printf end >&2")
    assert answer == "one\ntwo\n"
    assert lines == [b"log", b"end"]


def test_a_large_answer_comes_whole(asked):
    answer, _ = asked("yes 0123456789 | head -n 200000")
    assert answer == "0123456789\n" * 200_000


def test_a_large_log_does_not_stop_the_answer(asked):
    answer, lines = asked("yes log | head -n 50000 >&2; echo done")
    assert answer == "done\n"
    assert len(lines) == 50_000


def test_a_failure_names_the_call_and_the_code(asked):
    with pytest.raises(ConnectorError, match=r"^`tap-x --discover` exited with code 4$"):
        asked("exit 4")


def children():
    """Processes that this one has started and that are still there."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


def test_whoever_takes_too_long_is_ended(asked):
    before, began = children(), time.monotonic()
    with pytest.raises(ConnectorError, match=r"did not answer within 0\.3 s"):
        asked("exec sleep 300", seconds=0.3)
    assert time.monotonic() - began < 200
    assert children() - before == set()


def test_closing_its_outputs_is_not_the_end(asked, tmp_path):
    """And waiting for the end does not cost processor time."""
    before = time.process_time()
    answer, _ = asked("echo said; exec >&- 2>&-; sleep 0.7; touch late")
    assert answer == "said\n"
    assert (tmp_path / "late").exists()
    assert time.process_time() - before < 0.35


def test_an_answer_without_end_is_refused(asked, monkeypatch):
    monkeypatch.setattr(invoke, "ANSWER_BYTES", 1_000_000)
    with pytest.raises(ConnectorError, match="tap-x answered with more than 1,000,000 bytes"):
        asked("yes")


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(ConnectorError, match="tap-x cannot be started: /no/such: No such file"):
        ask(Command("tap-x", ("/no/such",), tmp_path, {}), print, seconds=5)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exited with code 0"),
        (3, "exited with code 3"),
        (-15, "was ended by SIGTERM"),
        (-63, "was ended by signal 63"),
    ],
)
def test_exit_codes_in_words(code, text):
    assert describe_exit(code) == text
