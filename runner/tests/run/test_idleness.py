"""When nothing moves."""

from __future__ import annotations

import pytest
from dativo.isolation.usage import Usage
from dativo.run.idleness import Idleness


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def idleness(clock):
    return Idleness(clock)


def test_it_counts_from_the_start(idleness, clock):
    clock.now += 9.9
    assert not idleness.lasts(10)
    clock.now += 0.2
    assert idleness.lasts(10)


def test_a_line_begins_it_anew(idleness, clock):
    clock.now += 9
    idleness.moved()
    clock.now += 9
    assert not idleness.lasts(10)


def test_bytes_begin_it_anew_and_their_absence_does_not(idleness, clock):
    idleness.used([Usage(read=5, sent=1), Usage()])
    clock.now += 9
    idleness.used([Usage(read=5, sent=1), Usage(sent=1)])
    clock.now += 9
    assert not idleness.lasts(10)
    idleness.used([Usage(read=5, sent=1), Usage(sent=1)])
    clock.now += 2
    assert idleness.lasts(10)


def test_work_begins_it_anew(idleness, clock):
    clock.now += 11
    idleness.used([Usage(cpu=0.2), Usage(cpu=0.1)])
    assert not idleness.lasts(10)
    clock.now += 11
    assert idleness.lasts(10)


def test_looking_around_now_and_then_is_no_work(idleness, clock):
    clock.now += 11
    idleness.used([Usage(cpu=0.1)])
    assert idleness.lasts(10)
