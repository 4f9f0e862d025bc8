"""Which error an ending is, in which words, and whether another try is worth it."""

from __future__ import annotations

import io
import json

import pytest
import yaml
from dativo.connectors.registry import load_registry
from dativo.errors import (
    ConnectorError,
    Interrupted,
    LimitExceeded,
    RunFailed,
    TimedOut,
    Unanswered,
)
from dativo.isolation.usage import Breach
from dativo.jobs.ready import load_job
from dativo.observe.connector_log import ConnectorLog
from dativo.observe.console import Console
from dativo.run.reason import exceeded, failure_of, unanswered
from dativo.run.stages import Ending, Outcome
from dativo.secrets.redact import Redactor

from runner.tests.conftest import REGISTRY, Project


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("job"))
    project.registry.write_text(yaml.safe_dump(REGISTRY))
    path = project.job(
        [],
        tenant="acme",
        retries={"never": ["(?i)no such table", "^denied"]},
        timeouts={"idle": "5m", "run": "2h"},
    )
    return load_job(path, load_registry([project.registry]), {}).job


@pytest.fixture
def log():
    return ConnectorLog(Console(io.StringIO()), Redactor([]))


def outcome(tap, target=0, *, early=False, told=False, **more):
    return Outcome((Ending("tap-x", tap, told), Ending("target-y", target, told, early)), **more)


def said(message, **more):
    return json.dumps({"level": "ERROR", "message": message, **more}).encode()


def test_all_went_well(job, log):
    assert failure_of(outcome(0), log, job) is None


@pytest.mark.parametrize(("signum", "code", "name"), [(15, 143, "SIGTERM"), (2, 130, "SIGINT")])
def test_a_signal_is_the_cause_whatever_else_went_wrong(job, log, signum, code, name):
    breach = Breach("tap-x", "memory", 2, 1)
    error = failure_of(outcome(1, 1, signum=signum, breach=breach, overdue="run"), log, job)
    assert type(error) is Interrupted
    assert (str(error), error.exit_code) == (f"acme/users was stopped by {name}", code)


def test_a_limit_comes_before_the_time_and_the_exit_codes(job, log):
    error = failure_of(outcome(1, breach=Breach("tap-x", "processes", 9, 8), overdue="idle"), log, job)
    assert type(error) is LimitExceeded
    assert str(error) == "tap-x was stopped: it ran 9 processes at once, limits.processes is 8"
    assert (error.side, error.limit, error.measured, error.allowed) == ("tap-x", "processes", 9, 8)
    assert (error.exit_code, error.again) == (1, False)


def test_a_breach_is_told_in_its_own_words():
    breach = Breach("target-y", "disk", 2048, 1024)
    error = exceeded(breach)
    assert (str(error), error.side, error.limit) == (str(breach), "target-y", "disk")


@pytest.mark.parametrize(
    ("overdue", "message", "code", "again"),
    [
        ("idle", "nothing has moved for 5m (timeouts.idle)", 75, True),
        ("run", "it was not done within 2h (timeouts.run)", 1, False),
    ],
)
def test_time_that_is_over_names_its_setting(job, log, overdue, message, code, again):
    error = failure_of(outcome(1, overdue=overdue), log, job)
    assert type(error) is TimedOut
    assert (str(error), error.exit_code, error.again, error.side) == (message, code, again, None)


NOTHING_KNOWN = (1, True)
HOPELESS = (1, False)
WORTH_IT = (75, True)


@pytest.mark.parametrize(
    ("code", "prospects"),
    [
        (1, NOTHING_KNOWN),
        (3, NOTHING_KNOWN),
        (127, NOTHING_KNOWN),
        (63, NOTHING_KNOWN),
        (79, NOTHING_KNOWN),
        (2, HOPELESS),
        (64, HOPELESS),
        (70, HOPELESS),
        (78, HOPELESS),
        (75, WORTH_IT),
        (-9, WORTH_IT),
        (-11, WORTH_IT),
    ],
)
def test_the_exit_code_tells_whether_another_try_is_worth_it(job, log, code, prospects):
    error = failure_of(outcome(code), log, job)
    assert type(error) is RunFailed
    assert (error.exit_code, error.again) == prospects
    assert error.side == "tap-x"


@pytest.mark.parametrize(
    ("words", "prospects"),
    [
        ("connection reset", NOTHING_KNOWN),
        ("ERROR: No Such Table users", HOPELESS),
        ("denied", HOPELESS),
        ("access denied", NOTHING_KNOWN),
    ],
)
def test_what_the_job_says_is_hopeless_is_not_tried_again(job, log, words, prospects):
    log.take("tap-x", said(words))
    error = failure_of(outcome(1), log, job)
    assert (error.exit_code, error.again) == prospects
    assert str(error) == f"tap-x exited with code 1: {words}"


@pytest.mark.parametrize("code", [75, -9])
def test_what_the_job_says_does_not_stand_against_the_code(job, log, code):
    log.take("tap-x", said("no such table"))
    error = failure_of(outcome(code), log, job)
    assert (error.exit_code, error.again) == WORTH_IT


@pytest.mark.parametrize("code", [1, 2, 75, -9])
@pytest.mark.parametrize(("retryable", "prospects"), [(True, WORTH_IT), (False, HOPELESS)])
def test_what_the_connector_says_of_itself_decides(job, log, code, retryable, prospects):
    log.take("tap-x", said("no such table", extra={"retryable": retryable}))
    error = failure_of(outcome(code), log, job)
    assert (error.exit_code, error.again) == prospects


def test_words_of_the_other_side_decide_nothing(job, log):
    log.take("target-y", said("denied", extra={"retryable": True}))
    error = failure_of(outcome(1), log, job)
    assert (error.exit_code, error.again) == NOTHING_KNOWN
    assert str(error) == "tap-x exited with code 1 and gave no reason"


def test_who_leaves_early_and_says_that_all_is_well_does_it_again_next_time(job, log):
    error = failure_of(outcome(0, 0, early=True), log, job)
    assert (error.exit_code, error.again, error.side) == (1, False, "target-y")
    assert "before the end of its input, so what came later is not loaded and gave no reason" in str(error)


def test_who_was_told_to_stop_is_the_cause_only_if_nobody_else_is(job, log):
    error = failure_of(outcome(0, 7, told=True), log, job)
    assert str(error) == "target-y exited with code 7 and gave no reason"


@pytest.mark.parametrize(
    ("words", "code", "message", "prospects"),
    [
        (None, 1, "no catalog", NOTHING_KNOWN),
        ("login failed", 1, "no catalog: login failed", NOTHING_KNOWN),
        ("login denied", 1, "no catalog: login denied", HOPELESS),
        ("login failed", 78, "no catalog: login failed", HOPELESS),
        ("login failed", 75, "no catalog: login failed", WORTH_IT),
        ("login failed", -15, "no catalog: login failed", WORTH_IT),
    ],
)
def test_who_was_asked_and_failed_is_told_with_its_last_words(log, words, code, message, prospects):
    if words:
        log.take("tap-x", said(words))
    error = unanswered(ConnectorError("no catalog"), "tap-x", code, log, ["denied$"])
    assert isinstance(error, Unanswered)
    assert (str(error), error.side) == (message, "tap-x")
    assert (error.exit_code, error.again) == prospects
