"""Labelled lines and the status line below them."""

from __future__ import annotations

import io
import os

import pytest
from dativo.console import Console
from dativo.counters import Counters
from dativo.log_lines import Metric
from dativo.progress import PLAIN_SECONDS, Progress


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


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def moved(counters, stream, records, now, size=0):
    counters.add(Metric("counter", "record_count", records, {"stream": stream}), now, from_tap=True)
    counters.add(Metric("counter", "record_bytes", size, {"stream": stream}), now, from_tap=True)


def test_a_terminal_shows_a_status_with_the_stream_that_moves_first(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    out, counters = Terminal(), Counters()
    progress = Progress("job", counters, Console(out), clock)
    moved(counters, "users", 1000, 1.0, 2_500_000)
    moved(counters, "orders", 5000, 3.0)
    clock.now += 3
    progress.tick()
    assert screen(out.getvalue()) == [
        "3 s | orders 5,000 records, 2,500 records/s | users 1,000 records, 2.5 MB, 1,000 records/s"
    ]
    progress.finish()
    assert screen(out.getvalue()) == [""]


def test_without_a_terminal_lines_come_every_few_seconds_for_what_moved(clock):
    out, counters = io.StringIO(), Counters()
    progress = Progress("job", counters, Console(out), clock)
    moved(counters, "users", 1000, 1.0)
    clock.now += PLAIN_SECONDS - 0.1
    progress.tick()
    assert out.getvalue() == ""
    clock.now += 0.1
    progress.tick()
    assert out.getvalue() == "job: users: 1,000 records, 1,000 records/s\n"
    clock.now += PLAIN_SECONDS
    progress.tick()
    assert out.getvalue().splitlines()[1:] == ["job: running for 10 s"]
    moved(counters, "orders", 7, 11.0)
    clock.now += PLAIN_SECONDS
    progress.tick()
    assert out.getvalue().splitlines()[2:] == ["job: orders: 7 records, 1 records/s"]
    progress.finish()
