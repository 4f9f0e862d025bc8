"""The gate before a target's input: it says where it stands, and waits for a byte (protocol.md §7)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest
from dativo_protocol.errors import ConfigError
from dativo_protocol.gate import CAPABILITY, VARIABLE, take_gate
from dativo_protocol.testing import run, start

SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}}
LINES = b"".join(
    json.dumps(message).encode() + b"\n"
    for message in [
        {"type": "SCHEMA", "stream": "s", "schema": SCHEMA, "key_properties": ["id"]},
        {"type": "RECORD", "stream": "s", "record": {"id": 1}},
        {"type": "STATE", "value": {"at": 2}},
    ]
)


class Keeper:
    """A target with a gate, and who holds that."""

    def __init__(self, target, directory):
        self.directory = directory
        self._target = target
        self._reading, self._writing = os.pipe()

    def start(self, stdout=subprocess.PIPE, **settings):
        config = json.dumps({"directory": str(self.directory), **settings})
        process = start(
            [*self._target, "--config", config],
            env={VARIABLE: str(self._reading)},
            stdout=stdout,
            pass_fds=(self._reading,),
        )
        os.close(self._reading)
        return process

    def open(self):
        os.write(self._writing, b"x")

    def close(self):
        if self._writing >= 0:
            os.close(self._writing)
        self._writing = -1

    def journal(self):
        return [json.loads(line) for line in (self.directory / "journal").read_text().splitlines()]

    def files(self):
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture
def keeper(target, tmp_path):
    keeper = Keeper(target, tmp_path / "out")
    yield keeper
    keeper.close()


@pytest.mark.parametrize(
    ("durable", "line"),
    [(None, b"\n"), ('{"at": 1.10, "b":1e2}', b'{"at": 1.10, "b":1e2}\n'), ("{}", b"{}\n")],
)
def test_it_says_where_it_stands_before_it_reads(keeper, durable, line):
    settings = {} if durable is None else {"durable": durable}
    with keeper.start(**settings) as process:
        assert process.read_line() == line
        process.send(LINES)
        assert process.unread == len(LINES)
        keeper.open()
        outcome = process.finish()
    assert (outcome.code, outcome.stdout) == (0, line + b'{"at": 2}\n')
    assert "0001.jsonl" in keeper.files()


@pytest.mark.parametrize("sent", [b"", LINES])
def test_a_gate_that_is_closed_ends_it_with_nothing_loaded(keeper, sent):
    with keeper.start(durable='{"at": 1}') as process:
        process.send(sent)
        assert process.read_line() == b'{"at": 1}\n'
        keeper.close()
        outcome = process.finish()
    assert (outcome.code, outcome.stdout) == (0, b'{"at": 1}\n')
    assert "nothing is loaded: the gate was closed" in outcome.stderr
    assert keeper.files() == ["journal"]
    assert keeper.journal() == [["standing", None], ["abort"]]


def test_a_gate_that_was_closed_before(keeper):
    keeper.close()
    with keeper.start() as process:
        assert process.finish(data=LINES).code == 0
    assert keeper.files() == ["journal"]


def test_what_cannot_be_dropped_is_no_failure(keeper):
    with keeper.start(fail_to_abort=True) as process:
        process.read_line()
        keeper.close()
        outcome = process.finish()
    assert outcome.code == 0
    assert "what was not published could not be removed" in outcome.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait(keeper, number):
    with keeper.start() as process:
        process.read_line()
        process.signal(number)
        outcome = process.finish(data=LINES)
    assert outcome.code == 128 + number
    assert keeper.journal() == [["standing", None], ["abort"]]


def test_nobody_who_reads_the_answer(keeper):
    reading, writing = os.pipe()
    os.close(reading)
    with keeper.start(stdout=writing) as process:
        os.close(writing)
        assert process.finish(data=LINES).code == 3
    assert keeper.journal() == [["standing", None], ["abort"]]


def test_without_a_gate_it_begins_at_once(target, tmp_path):
    config = json.dumps({"directory": str(tmp_path), "durable": "{}"})
    outcome = run([*target, "--config", config], stdin=LINES)
    assert (outcome.code, outcome.stdout) == (0, b'{"at": 2}\n')


@pytest.mark.parametrize("given", ["", "x", "-1", "0", "1", "2", "3.5", "²", "999", "9" * 30, "3 4"])
def test_a_variable_that_names_no_descriptor(target, tmp_path, given):
    directory = tmp_path / "out"
    config = json.dumps({"directory": str(directory)})
    outcome = run([*target, "--config", config], stdin=LINES, env={VARIABLE: given})
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert re.search(rf"CRITICAL.*{VARIABLE}=\S* ?\S* cannot be waited on", outcome.stderr)
    assert not directory.exists()


def test_a_descriptor_that_cannot_be_read(target, tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    directory = tmp_path / "out"
    try:
        command = [*target, "--config", json.dumps({"directory": str(directory)})]
        with start(command, env={VARIABLE: str(descriptor)}, pass_fds=(descriptor,)) as process:
            outcome = process.finish(data=LINES)
    finally:
        os.close(descriptor)
    assert outcome.code == 1
    assert "cannot be waited on: Is a directory" in outcome.stderr
    assert [path.name for path in directory.iterdir()] == ["journal"]


def test_who_takes_the_gate_takes_it_from_its_children():
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    environ = {VARIABLE: str(reading), "OTHER": "1"}
    gate = take_gate(environ)
    assert gate is not None
    assert environ == {"OTHER": "1"}
    assert not os.get_inheritable(reading)
    os.close(writing)
    out_reading, out_writing = os.pipe()
    assert gate.lets_through(b"{}", out_writing) is False
    assert os.read(out_reading, 10) == b"{}\n"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)
    os.close(out_reading)
    os.close(out_writing)


def test_no_gate_is_given():
    assert take_gate({"OTHER": "1"}) is None


def test_a_long_value_is_not_repeated():
    with pytest.raises(ConfigError) as caught:
        take_gate({VARIABLE: "x" * 100})
    assert "x" * 21 not in str(caught.value)


def test_the_capability_is_told(target_lines):
    assert CAPABILITY in target_lines.capabilities
