"""When rows become visible and when STATE leaves, seen from outside the process."""

import json
import os
import random
import select
import signal
import time

import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run, start

EVERY_STATE = {"epoch_max_bytes": 0, "epoch_max_seconds": 0}


def lines(*messages):
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def state(value):
    return {"type": "STATE", "value": value}


def numbered(first, last, *, state_every):
    """A tap's output from record `first` on, with a STATE after every so many records."""
    schema = {"properties": {"n": {"type": "integer"}, "t": {"type": "string"}}}
    out = [lines({"type": "SCHEMA", "stream": "n", "schema": schema, "key_properties": ["n"]})]
    for number in range(first, last):
        out.append(b'{"type":"RECORD","stream":"n","record":{"n":%d,"t":"%s"}}\n' % (number, b"x" * 100))
        if (number + 1) % state_every == 0:
            out.append(b'{"type":"STATE","value":{"next":%d}}\n' % (number + 1))
    out.append(b'{"type":"STATE","value":{"next":%d}}\n' % last)
    return b"".join(out)


def rows(destination):
    """Every row in every visible file; a file that is not whole fails here."""
    files = destination.rglob("*.parquet")
    return [number for file in files for number in pq.read_table(file, columns=["n"]).column("n").to_pylist()]


def read_line(running, timeout=30):
    return json.loads(running.read_line(timeout))


def quiet(running, seconds):
    return not select.select([running._process.stdout], [], [], seconds)[0]


def test_when_a_state_can_be_read_its_rows_can_be_read(begin, destination):
    """R1"""
    with begin(**EVERY_STATE) as target:
        for turn in range(1, 6):
            target.send(numbered((turn - 1) * 100, turn * 100, state_every=1000))
            assert read_line(target) == {"next": turn * 100}
            assert sorted(rows(destination)) == list(range(turn * 100))
        assert target.finish().code == 0


def test_no_state_leaves_before_it_is_due(begin, destination):
    with begin(epoch_max_records=1000, epoch_max_bytes=0, epoch_max_seconds=0) as target:
        target.send(numbered(0, 900, state_every=250))
        assert quiet(target, 0.7)
        assert rows(destination) == []
        target.send(numbered(900, 1000, state_every=2000))
        assert read_line(target) == {"next": 1000}
        assert len(rows(destination)) == 1000
        assert target.finish().lines == [{"next": 1000}]


def test_a_slow_tap_gets_its_state_when_the_time_is_up(begin, destination):
    """R3: no further input is needed for it."""
    with begin(epoch_max_seconds=0.5) as target:
        target.send(numbered(0, 10, state_every=100))
        assert read_line(target, timeout=10) == {"next": 10}
        assert len(rows(destination)) == 10
        assert target.finish().code == 0


def test_a_stopped_run_publishes_nothing_more_and_cleans_up(begin, destination):
    """S3"""
    with begin(**EVERY_STATE) as target:
        target.send(numbered(0, 100, state_every=1000))
        assert read_line(target) == {"next": 100}
        target.send(numbered(100, 200, state_every=1000).rpartition(b'{"type":"STATE"')[0])
        time.sleep(0.3)
        target.signal(signal.SIGTERM)
        outcome = target.finish()
    assert outcome.code == 143
    assert outcome.lines == [{"next": 100}]
    assert sorted(rows(destination)) == list(range(100))
    assert list((destination / ".dativo/runs").iterdir()) == []


def test_a_failing_run_keeps_what_its_last_state_stands_for(load, destination):
    tail = b'{"type":"RECORD","stream":"n","record":{"n":"one"}}\n'
    outcome = load(numbered(0, 100, state_every=50), tail, **EVERY_STATE)
    assert outcome.code == 1
    assert outcome.lines[-1] == {"next": 100}
    assert len(rows(destination)) == 100
    assert list((destination / ".dativo/runs").iterdir()) == []


TOTAL = 60_000


def send_for(target, data, seconds):
    """Feed a target for a while, without waiting for it longer than that."""
    descriptor = target._process.stdin.fileno()
    os.set_blocking(descriptor, False)
    deadline = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < deadline:
        try:
            sent += os.write(descriptor, data[sent : sent + 65_536])
        except BlockingIOError:
            time.sleep(0.002)


@pytest.mark.parametrize("seed", range(3))
def test_runs_killed_at_any_moment_lose_nothing(command, destination, seed):
    """S20: each run goes on from the last STATE that was printed, and is killed at a random moment."""
    chance = random.Random(seed)
    arguments = command(epoch_max_records=3000, epoch_max_bytes=0, epoch_max_seconds=0, target_file_size_mb=1)
    done = 0
    for _ in range(8):
        with start(arguments) as target:
            send_for(target, numbered(done, TOTAL, state_every=500), chance.uniform(0.05, 1.2))
            target.signal(signal.SIGKILL)
            printed = target.finish().stdout.splitlines()
        visible = set(rows(destination))  # reads every visible file: none is torn
        if printed:
            done = json.loads(printed[-1])["next"]
        assert set(range(done)) <= visible
    outcome = run(arguments, stdin=numbered(done, TOTAL, state_every=500))
    assert outcome.code == 0
    assert outcome.lines[-1] == {"next": TOTAL}
    assert set(rows(destination)) == set(range(TOTAL))
    # A kill before a run has said who it is leaves an empty file, which stays for its time.
    assert [each for each in (destination / ".dativo/runs").iterdir() if each.stat().st_size] == []


def test_the_files_of_a_dead_run_are_removed_and_those_of_a_living_one_are_not(begin, load, destination):
    areas = destination / ".dativo/runs"
    with begin(pipeline="dead") as dead, begin(pipeline="living") as living:
        for target in (dead, living):
            target.send(numbered(0, 50_000, state_every=50_000))
        for target in (dead, living):
            target.wait_for(lambda _: sum(area.is_dir() for area in areas.glob("*")) == 2)
        dead.signal(signal.SIGKILL)
        dead.finish()
        assert load(numbered(0, 10, state_every=10)).code == 0
        assert sum(area.is_dir() for area in areas.iterdir()) == 1
        assert living.finish().code == 0
    assert len(rows(destination)) == 50_010
    assert list(areas.iterdir()) == []
