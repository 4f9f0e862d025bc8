"""What readers and crashes find while a stream is being overwritten."""

import json
import random
import signal
import time
from threading import Event, Thread

import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run, start

INTEGER = {"type": "integer"}


def generation(number, rows=300):
    """A whole table whose every row says which run it is of."""
    schema = json.dumps({"properties": {"g": INTEGER, "n": INTEGER, "p": INTEGER}}).encode()
    record = b'{"type":"RECORD","stream":"t","record":{"g":%d,"n":%d,"p":%d}}\n'
    records = [record % (number, row, row % 5) for row in range(rows)]
    return b'{"type":"SCHEMA","stream":"t","schema":%s,"key_properties":[]}\n' % schema + b"".join(records)


class Reader:
    """Lists a stream, then reads what it listed, over and over, and remembers what it found."""

    def __init__(self, directory):
        self._directory = directory
        self._stop = Event()
        self._thread = Thread(target=self._run)
        self.whole = 0
        self.failed = 0
        self.wrong = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.is_set():
            try:
                files = list(self._directory.rglob("*.parquet"))
                tables = [pq.read_table(file, partitioning=None) for file in files]
            except FileNotFoundError:
                self.failed += 1
                continue
            generations = {value for table in tables for value in table.column("g").to_pylist()}
            rows = sorted(value for table in tables for value in table.column("n").to_pylist())
            if len(generations) == 1 and rows == list(range(300)):
                self.whole += 1
            else:
                self.wrong.append((generations, len(rows)))


@pytest.mark.parametrize("partition_by", [[], ["p"]])
def test_a_reader_finds_one_whole_generation_or_an_open_fails(command, destination, partition_by):
    """Partitions are the same before and after; docs/decisions/0003 says what holds when they are not."""
    arguments = command(load_method="overwrite", partition_by=partition_by)
    assert run(arguments, stdin=generation(0)).code == 0
    with Reader(destination / "t") as reader:
        for number in range(1, 7):
            assert run(arguments, stdin=generation(number)).code == 0
    assert reader.wrong == []
    assert reader.whole > 0


def test_a_kill_leaves_the_whole_old_or_the_whole_new_generation(command, destination):
    arguments = command(load_method="overwrite", target_file_size_mb=1)
    assert run(arguments, stdin=generation(0)).code == 0
    chance = random.Random(7)
    for number in range(1, 11):
        before = read(destination)
        file = destination.parent / "input.singer"
        file.write_bytes(generation(number))
        with start([*arguments, "--input", str(file)]) as target:
            time.sleep(chance.uniform(0.3, 1.2))
            target.signal(signal.SIGKILL)
            target.finish()
        found = read(destination)
        assert found in (before, [(number, row) for row in range(300)])
    assert run(arguments, stdin=generation(99)).code == 0
    assert read(destination) == [(99, row) for row in range(300)]
    # A kill before a run has said who it is leaves an empty file, which stays for its time.
    assert [each for each in (destination / ".dativo/runs").iterdir() if each.stat().st_size] == []


def test_no_state_leaves_before_the_end(begin, destination):
    """R5"""
    with begin(
        load_method="overwrite", epoch_max_bytes=0, epoch_max_records=1, epoch_max_seconds=0
    ) as target:
        target.send(generation(1) + b'{"type":"STATE","value":{"a":1}}\n' + generation(2))
        outcome = target.finish(data=b'{"type":"STATE","value":{"a":2}}\n')
    assert outcome.lines == [{"a": 2}]


def test_a_failing_run_overwrites_nothing(command, destination):
    arguments = command(load_method="overwrite")
    assert run(arguments, stdin=generation(0)).code == 0
    assert run(arguments, stdin=generation(1) + b"no json\n").code == 1
    assert read(destination) == [(0, row) for row in range(300)]


def read(destination):
    tables = [pq.read_table(file) for file in (destination / "t").rglob("*.parquet")]
    return sorted(
        (g, n)
        for table in tables
        for g, n in zip(table["g"].to_pylist(), table["n"].to_pylist(), strict=True)
    )
