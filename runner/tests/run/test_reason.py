"""Why a run failed."""

from __future__ import annotations

import pytest
from dativo.run.reason import reason_of_failure
from dativo.run.stages import Ending, Outcome


def outcome(tap: int, target: int, *, tap_told=False, target_told=False, early=False):
    return Outcome((Ending("tap-x", tap, tap_told), Ending("target-y", target, target_told, early)))


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
    found = reason_of_failure(ended, WORDS)
    assert (found and str(found)) == reason


def test_a_target_that_stops_early_lies_if_it_says_all_is_well():
    reason = reason_of_failure(outcome(3, 0, tap_told=True, early=True), {})
    assert str(reason).startswith("target-y exited with code 0 before the end of its input")


def row(*endings):
    names = ("tap-x", "mapper", "target-y")
    return Outcome(tuple(Ending(name, *ending) for name, ending in zip(names, endings, strict=True)))


@pytest.mark.parametrize(
    ("ended", "cause"),
    [
        (row((0, False), (0, False), (0, False)), None),
        (row((1, False), (143, True, True), (143, True, True)), "tap-x"),
        (row((-13, False), (1, False, True), (143, True, True)), "mapper"),
        (row((3, True), (0, False, True), (143, True, True)), "mapper"),
        (row((-13, False), (-13, False, True), (1, False, True)), "target-y"),
    ],
)
def test_of_those_that_ended_unasked_the_last_in_the_row_is_the_cause(ended, cause):
    reason = reason_of_failure(ended, {})
    assert (reason and reason.ending.name) == cause


def test_silence_is_said_too():
    assert str(reason_of_failure(outcome(1, 0), {})) == "tap-x exited with code 1 and gave no reason"


def test_an_unknown_signal_is_a_number():
    assert str(reason_of_failure(outcome(-64, 0), {"tap-x": None})).startswith("tap-x was ended by SIGRTMAX")
    assert str(reason_of_failure(outcome(-63, 0), {})) == "tap-x was ended by signal 63 and gave no reason"
