"""What is tried again, when, and how often."""

from __future__ import annotations

import dataclasses

import pytest
from dativo.errors import (
    ConnectorError,
    Interrupted,
    LimitExceeded,
    RunFailed,
    SecretBackendDown,
    SecretMissing,
    StateBusy,
    StateConflict,
    TimedOut,
)
from dativo.jobs.limits import Retries
from dativo.jobs.quantities import Duration
from dativo.run.attempts import Attempts, is_worth_another

EXACT = Retries(jitter=False)


class Tries:
    """Fails as often as it is told, noting the waits between."""

    def __init__(self, failures, retries=EXACT, *, moving=()):
        self.failures = list(failures)
        self.waits, self.said = [], []
        self.moving = set(moving)
        self.attempts = Attempts(retries, self.said.append, self.waits.append)

    def once(self):
        if self.attempts.number in self.moving:
            self.attempts.progress()
        if self.failures:
            raise self.failures.pop(0)
        return self.attempts.number

    def run(self):
        return self.attempts.run(self.once)


def temporary(number=1):
    return [RunFailed(f"failure {each + 1}", again=True) for each in range(number)]


def test_what_goes_well_is_done_once():
    tries = Tries([])
    assert tries.run() == 1
    assert (tries.waits, tries.said) == ([], [])


def test_each_wait_is_longer_than_the_one_before():
    tries = Tries(temporary(4), dataclasses.replace(EXACT, attempts=5))
    assert tries.run() == 5
    assert tries.waits == [5, 10, 20, 40]


def test_no_wait_is_longer_than_the_longest():
    tries = Tries(temporary(4), dataclasses.replace(EXACT, attempts=5, max_delay=Duration(12)))
    tries.run()
    assert tries.waits == [5, 10, 12, 12]


def test_jitter_takes_a_part_of_each_wait():
    seen = []
    for _ in range(20):
        tries = Tries(temporary(2), Retries())
        tries.run()
        seen.append(tuple(tries.waits))
    assert all(0 <= first <= 5 and 0 <= second <= 10 for first, second in seen)
    assert len(set(seen)) > 1


def test_the_last_failure_is_the_one_that_is_told():
    tries = Tries(temporary(5))
    with pytest.raises(RunFailed, match="failure 3"):
        tries.run()
    assert tries.attempts.number == 3
    assert tries.waits == [5, 10]


def test_every_wait_is_announced():
    tries = Tries(temporary(2))
    tries.run()
    assert tries.said == [
        "try 1 failed: failure 1; again in 5.0 s (2 tries left)",
        "try 2 failed: failure 2; again in 10.0 s (the last try)",
    ]


def test_one_try_is_one_try():
    tries = Tries(temporary(1), dataclasses.replace(EXACT, attempts=1))
    with pytest.raises(RunFailed):
        tries.run()
    assert tries.waits == []


def test_progress_starts_the_count_anew():
    tries = Tries(temporary(6), moving={2, 4})
    with pytest.raises(RunFailed, match="failure 6"):
        tries.run()
    assert tries.waits == [5, 5, 10, 5, 10]


def test_even_with_progress_there_is_an_end():
    tries = Tries(temporary(50), dataclasses.replace(EXACT, total=7), moving=range(100))
    with pytest.raises(RunFailed, match="failure 7"):
        tries.run()
    assert len(tries.waits) == 6


def test_a_failure_for_good_ends_the_tries():
    tries = Tries([*temporary(1), RunFailed("wrong password"), *temporary(1)])
    with pytest.raises(RunFailed, match="wrong password"):
        tries.run()
    assert tries.waits == [5]


def test_a_signal_ends_the_tries():
    tries = Tries([*temporary(1), Interrupted(15)])
    with pytest.raises(Interrupted):
        tries.run()


@pytest.mark.parametrize(
    ("error", "worth"),
    [
        (RunFailed("x"), False),
        (RunFailed("x", again=True), True),
        (RunFailed("x", retryable=True), True),
        (TimedOut("idle", retryable=True), True),
        (TimedOut("run"), False),
        (LimitExceeded("x", side="tap-x", limit="memory", measured=2, allowed=1), False),
        (SecretBackendDown("x"), True),
        (SecretMissing("x"), False),
        (ConnectorError("x"), False),
        (StateBusy("x"), False),
        (StateConflict("x"), False),
        (Interrupted(2), False),
        (KeyError("x"), False),
    ],
)
def test_what_is_worth_another_try(error, worth):
    assert is_worth_another(error) is worth
