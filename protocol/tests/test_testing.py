"""The acceptance kit itself, on commands whose behaviour is known."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from dativo_protocol.testing import Outcome, run, start

PYTHON = [sys.executable, "-c"]


def test_an_outcome_is_code_stdout_and_stderr():
    outcome = run([*PYTHON, "import sys; print('{}'); print('oops', file=sys.stderr); sys.exit(5)"])
    assert outcome == Outcome(5, b"{}\n", "oops\n")


def test_more_than_a_pipe_holds_goes_both_ways():
    data = b'{"type": "RECORD"}\n' * 100_000
    outcome = run(
        [*PYTHON, "import sys; sys.stdout.write(sys.stdin.read()); sys.stderr.write('x' * 10**6)"], stdin=data
    )
    assert outcome.stdout == data
    assert len(outcome.stderr) == 10**6


def test_a_file_is_read_by_the_process_itself(tmp_path):
    path = tmp_path / "input.singer"
    path.write_bytes(b'{"type": "STATE"}\n')
    assert run([*PYTHON, "import sys; sys.stdout.write(sys.stdin.read())"], stdin=path).lines == [
        {"type": "STATE"}
    ]


def test_messages_are_sorted_out_by_type():
    outcome = Outcome(0, b'{"type": "RECORD", "n": 1}\n{"type": "STATE"}\n{"type": "RECORD", "n": 2}\n', "")
    assert [message["n"] for message in outcome.messages("RECORD")] == [1, 2]


@pytest.mark.parametrize("stdout", [b'{"a": 1}\n{"b"', b'{"a": 1}\n{"b": 2}', b"noise\n"])
def test_a_torn_or_foreign_line_is_a_fault(stdout):
    with pytest.raises(ValueError, match=r"torn|Expecting"):
        _ = Outcome(0, stdout, "").lines


def test_variables_that_would_change_the_judgement_are_removed(monkeypatch):
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    code = "import os; print(os.environ.get('LOGLEVEL'), os.environ['GIVEN'])"
    assert run([*PYTHON, code], env={"GIVEN": "x"}).stdout == b"None x\n"


def test_a_process_can_be_talked_to_and_signalled():
    code = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"
    with start([*PYTHON, code]) as process:
        process.send(b"one\n")
        assert process.read_line() == b"ONE\n"
        process.send(b"two\nthree\n")
        process.read_until(b"THREE")
        process.signal(signal.SIGKILL)
        assert process.finish() == Outcome(-9, b"ONE\nTWO\nTHREE\n", "")


def test_its_log_can_be_waited_for():
    code = "import sys, time; print('ready', file=sys.stderr, flush=True); time.sleep(60)"
    with start([*PYTHON, code]) as process:
        process.wait_for(lambda log: "ready" in log)
        with pytest.raises(TimeoutError, match="ready"):
            process.wait_for(lambda log: "never" in log, timeout=0.2)


def test_what_does_not_come_is_a_fault_and_not_a_hang():
    with start([*PYTHON, "print('one')"]) as process, pytest.raises(EOFError):
        process.read_until(b"two")
    with pytest.raises(subprocess.TimeoutExpired):
        run([*PYTHON, "import time; time.sleep(60)"], timeout=0.5)
