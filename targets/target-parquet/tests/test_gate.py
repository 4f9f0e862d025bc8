"""target-parquet at its gate: it has recovered, says where it stands; kept out, it leaves nothing."""

from __future__ import annotations

import os
import signal

import pytest
from dativo_protocol.testing import run, start

from tests.singer_messages import state

INTEGER = {"type": ["null", "integer"]}


@pytest.fixture
def keep(command):
    """Starts the executable at a gate; returns it and the end of the pipe that opens the gate."""
    ends = []

    def begin(**raw):
        reading, writing = os.pipe()
        process = start(command(**raw), env={"DATIVO_GATE_FD": str(reading)}, pass_fds=(reading,))
        os.close(reading)
        ends.append(writing)
        return process, writing

    yield begin
    for end in ends:
        os.close(end)


@pytest.fixture
def loaded(load, schema_line, record):
    outcome = load(schema_line(id=INTEGER), record(id=1), state({"next": 1.50}))
    assert outcome.code == 0, outcome.stderr


def held(destination):
    """Every file there, with what is in it."""
    return {
        path.relative_to(destination): path.read_bytes() for path in destination.rglob("*") if path.is_file()
    }


def test_a_destination_that_holds_nothing(keep, destination, schema_line, record, lines, read):
    process, gate = keep()
    with process:
        assert process.read_line() == b"\n"
        process.send(lines(schema_line(id=INTEGER), record(id=1), state({"next": 1})))
        os.write(gate, b"x")
        outcome = process.finish()
    assert (outcome.code, outcome.stdout) == (0, b'\n{"next": 1}\n')
    assert read("users") == [{"id": 1}]


@pytest.mark.usefixtures("loaded")
def test_it_says_what_recover_says(keep, command, schema_line, record, lines, read):
    process, gate = keep()
    with process:
        assert process.read_line() == run([*command(), "--recover"]).stdout == b'{"next": 1.5}\n'
        os.write(gate, b"x")
        outcome = process.finish(data=lines(schema_line(id=INTEGER), record(id=2), state({"next": 2})))
    assert outcome.code == 0
    assert sorted(row["id"] for row in read("users")) == [1, 2]


@pytest.mark.usefixtures("loaded")
def test_a_run_that_overwrites_wants_everything(keep, command):
    process, _ = keep(load_method="overwrite")
    with process:
        assert process.read_line() == run([*command(load_method="overwrite"), "--recover"]).stdout == b"{}\n"
        process.signal(signal.SIGTERM)
        assert process.finish().code == 143


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("how", ["closed", "told to stop"])
@pytest.mark.parametrize("load_method", ["append-only", "overwrite"])
def test_it_leaves_everything_as_it_was(command, destination, schema_line, record, lines, how, load_method):
    before = held(destination)
    reading, writing = os.pipe()
    made = command(load_method=load_method)
    with start(made, env={"DATIVO_GATE_FD": str(reading)}, pass_fds=(reading,)) as process:
        os.close(reading)
        process.send(lines(schema_line(id=INTEGER), record(id=2), state({"next": 2})))
        process.read_line()
        if how == "told to stop":
            process.signal(signal.SIGTERM)
            process.wait()
        os.close(writing)
        outcome = process.finish()
    assert outcome.code == (0 if how == "closed" else 143)
    assert held(destination) == before
    assert [path for path in (destination / ".dativo" / "runs").glob("*") if path.is_dir()] == []


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("fault", ["epoch.after-prepare", "commit.file"])
def test_what_a_killed_run_had_prepared_is_published_before_it_answers(
    keep, command, schema_line, record, lines, read, fault
):
    rows = lines(schema_line(id=INTEGER), record(id=2), state({"next": 2}))
    assert run(command(), stdin=rows, env={"DATIVO_FAULT": fault}).code == -signal.SIGKILL
    process, gate = keep()
    with process:
        assert process.read_line() == b'{"next": 2}\n'
        assert sorted(row["id"] for row in read("users")) == [1, 2]
        os.write(gate, b"x")
        assert process.finish(data=lines(schema_line(id=INTEGER), record(id=3), state({"next": 3}))).code == 0
    assert sorted(row["id"] for row in read("users")) == [1, 2, 3]
