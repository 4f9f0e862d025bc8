"""The tree of errors: exit codes, what may be tried again, and that it is drawn as it is."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from dativo import errors
from dativo.errors import (
    AuditError,
    ConnectorError,
    InstallError,
    Interrupted,
    LimitExceeded,
    PartsFailed,
    Place,
    PolicyError,
    Problem,
    ProblemsError,
    RunFailed,
    RunnerError,
    SecretBackendDown,
    SecretError,
    SecretMissing,
    StateBusy,
    StateConflict,
    StateDamaged,
    StateError,
    StateUnreachable,
    TimedOut,
    Unanswered,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (RunnerError, 1),
        (PolicyError, 1),
        (ConnectorError, 1),
        (InstallError, 1),
        (AuditError, 1),
        (SecretError, 1),
        (SecretMissing, 1),
        (SecretBackendDown, 75),
        (StateError, 1),
        (StateDamaged, 1),
        (StateBusy, 75),
        (StateConflict, 75),
        (StateUnreachable, 75),
        (RunFailed, 1),
        (Unanswered, 1),
        (TimedOut, 1),
    ],
)
def test_the_exit_code_says_whether_to_come_back(kind, code):
    error = kind("words")
    assert (error.exit_code, error.retryable, str(error)) == (code, code == 75, "words")


def test_the_tree_is_drawn_as_it_is():
    """Every class stands in the docstring below the class that it comes from."""
    drawn, above = {}, []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)(\w+) +exit ", line)
        if found:
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    classes = {
        name: each.__bases__[0].__name__
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, Exception)
    }
    assert drawn == classes


def test_codes_in_the_drawing_are_those_of_the_classes():
    for name, code in re.findall(r"(\w+) +exit (\d+)  ", errors.__doc__ or ""):
        usual = getattr(errors, name).exit_code if name != "TimedOut" else 75
        assert usual == int(code), name


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(Path("a/b.yaml"), 3, 7), "a/b.yaml:3:7"),
        (Place(Path("a/b.yaml"), 1, 1), "a/b.yaml:1:1"),
        (Place(Path("a/b.yaml"), 0, 9), "a/b.yaml"),
        (Place(Path("/x")), "/x"),
    ],
)
def test_a_place_is_written_as_editors_read_it(place, text):
    assert str(place) == text
    assert str(Problem(place, "is wrong")) == f"{text}: is wrong"


def test_problems_are_all_told_one_a_line():
    first, second = Problem(Place(Path("a"), 1, 2), "x"), Problem(Place(Path("b")), "y")
    error = ProblemsError([first, second])
    assert str(error) == "a:1:2: x\nb: y"
    assert error.problems == (first, second)
    assert (error.exit_code, error.retryable) == (1, False)
    assert str(ProblemsError([])) == ""


@pytest.mark.parametrize(
    ("given", "code", "again"),
    [
        ({}, 1, False),
        ({"retryable": True}, 75, True),
        ({"retryable": False, "again": True}, 1, True),
        ({"retryable": True, "again": False}, 75, False),
    ],
)
def test_another_try_here_and_another_run_later_are_two_questions(given, code, again):
    error = RunFailed("tap-x exited with code 3", side="tap-x", **given)
    assert (error.exit_code, error.retryable, error.again, error.side) == (code, code == 75, again, "tap-x")
    assert RunFailed("x").side is None


@pytest.mark.parametrize("kind", [RunFailed, Unanswered, TimedOut])
def test_a_failure_within_something_stays_what_it_is(kind):
    error = kind("it broke", side="tap-x", retryable=True)
    within = error.within("stream users")
    assert within is error
    assert str(within) == "stream users: it broke"
    assert (within.side, within.exit_code, within.again) == ("tap-x", 75, True)
    assert str(error.within("job a")) == "job a: stream users: it broke"


def test_who_does_not_answer_is_a_failed_run_and_a_connector_to_repair():
    error = Unanswered("`tap-x --discover` was ended by SIGKILL", side="tap-x", retryable=True)
    assert isinstance(error, RunFailed)
    assert isinstance(error, ConnectorError)
    assert error.exit_code == 75


def test_a_limit_says_what_was_measured_and_is_not_tried_again():
    error = LimitExceeded("too much", side="tap-x", limit="memory", measured=2.5, allowed=2.0)
    assert (error.side, error.limit, error.measured, error.allowed) == ("tap-x", "memory", 2.5, 2.0)
    assert (error.exit_code, error.again) == (1, False)


@pytest.mark.parametrize(("retryable", "code"), [(True, 75), (False, 1)])
def test_parts_that_failed_have_been_tried_enough(retryable, code):
    error = PartsFailed("2 of 3 streams", verdict="limited", retryable=retryable, limit="memory")
    assert (error.verdict, error.limit, error.exit_code, error.again) == ("limited", "memory", code, False)
    assert PartsFailed("x", verdict="failed", retryable=retryable).limit is None


@pytest.mark.parametrize(
    ("signum", "what", "code", "text"),
    [
        (signal.SIGINT, "", 130, "it was stopped by SIGINT"),
        (signal.SIGTERM, "users", 143, "users was stopped by SIGTERM"),
        (signal.SIGHUP, "", 129, "it was stopped by SIGHUP"),
    ],
)
def test_who_is_stopped_ends_as_shells_have_it(signum, what, code, text):
    error = Interrupted(signum, what)
    assert (error.exit_code, error.signum, str(error), error.retryable) == (code, signum, text, False)
