"""Why a run failed, and what a good one moved."""

from __future__ import annotations

import pytest
from dativo.observe.counters import Counters, StreamCount
from dativo.observe.report import Result, reason_of_failure, result_lines
from dativo.run.pipeline import Ending, Outcome


def outcome(tap: int, target: int, *, tap_told=False, target_told=False, early=False):
    return Outcome(Ending("tap-x", tap, tap_told), Ending("target-y", target, target_told, early), None)


WORDS = {"tap-x": "no such table", "target-y": "disk full"}


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (outcome(0, 0), None),
        (outcome(1, 143, target_told=True, early=True), "tap-x exited with code 1: no such table"),
        (outcome(-9, 143, target_told=True, early=True), "tap-x was ended by SIGKILL: no such table"),
        (outcome(1, 0, target_told=True, early=True), "tap-x exited with code 1: no such table"),
        (outcome(3, 1, tap_told=True, early=True), "target-y exited with code 1: disk full"),
        (outcome(1, 1, early=True), "target-y exited with code 1: disk full"),
        (outcome(0, 1), "target-y exited with code 1: disk full"),
        (outcome(0, -11), "target-y was ended by SIGSEGV: disk full"),
        (outcome(-13, -9, early=True), "target-y was ended by SIGKILL: disk full"),
    ],
)
def test_the_cause_is_named(ended, reason):
    assert reason_of_failure(ended, WORDS) == reason


def test_a_target_that_stops_early_lies_if_it_says_all_is_well():
    reason = reason_of_failure(outcome(3, 0, tap_told=True, early=True), {})
    assert reason.startswith("target-y exited with code 0 before the end of its input")


def test_silence_is_said_too():
    assert reason_of_failure(outcome(1, 0), {}) == "tap-x exited with code 1 and gave no reason"


def test_an_unknown_signal_is_a_number():
    assert reason_of_failure(outcome(-64, 0), {"tap-x": None}).startswith("tap-x was ended by SIGRTMAX")
    assert reason_of_failure(outcome(-63, 0), {}) == "tap-x was ended by signal 63 and gave no reason"


def test_the_table():
    streams = {
        "flights": StreamCount(336776, 336776, 61_234_567, 2, 5_340_000, 2.0),
        "airlines": StreamCount(16, 16, 0, 1, 300, 0.001),
    }
    result = Result(Counters(streams), 3.0, ".dativo/state/flights.json")
    assert result_lines("flights", result) == [
        "flights: done in 3.0 s",
        "  stream    records    MB  records/s   loaded  files  MB stored",
        "  flights   336,776  61.2    168,388  336,776      2        5.3",
        "  airlines       16     -          -       16      1        0.0",
        "  total     336,792  61.2    112,264  336,792      3        5.3",
        "  state: .dativo/state/flights.json",
    ]


def test_columns_that_nobody_filled_are_left_out():
    lines = result_lines("j", Result(Counters({"users": StreamCount(loaded=5)}), 2.0, None))
    assert lines == [
        "j: done in 2.0 s",
        "  stream  records/s  loaded",
        "  users           -       5",
        "  total           2       5",
        "  state: none was given",
    ]


def test_a_stream_without_records_is_listed():
    lines = result_lines("j", Result(Counters({"users": StreamCount()}), 2.0, None))
    assert "  users" in "\n".join(lines)


def test_no_counts_at_all():
    assert "  the connectors logged no counts" in result_lines("j", Result(Counters(), 2.0, None))
