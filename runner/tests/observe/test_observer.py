"""Everyone who watches is told everything, and nobody who watches can bring the run down."""

from __future__ import annotations

import pytest
from dativo.errors import Interrupted
from dativo.observe.events import Ended, Started, Ticked


class Keeper:
    def __init__(self):
        self.events = []
        self.closed = 0

    def take(self, event):
        self.events.append(event)

    def close(self):
        self.closed += 1


class Broken(Keeper):
    error = OSError("disk full")

    def take(self, event):
        if isinstance(event, Ticked):
            raise self.error


def test_events_come_in_order_with_their_times(told):
    keeper = Keeper()
    told.observer.add(keeper)
    told.start()
    told.later(2.5)
    told.observer.ticked()
    told.observer.ended("succeeded", None, 0)
    first, second, third = keeper.events
    assert isinstance(first, Started)
    assert first.full_name == "acme/users"
    assert second == Ticked(2.5)
    assert isinstance(third, Ended)
    assert keeper.closed == 1


def test_a_run_ends_once(told):
    keeper = Keeper()
    told.observer.add(keeper)
    told.start()
    told.observer.ended("failed", "boom", 1)
    told.observer.ended("succeeded", None, 0)
    assert [event.verdict for event in keeper.events if isinstance(event, Ended)] == ["failed"]
    assert keeper.closed == 1


def test_who_fails_is_told_of_once_and_not_called_again(told):
    broken, keeper = Broken(), Keeper()
    told.observer.add(broken)
    told.observer.add(keeper)
    told.start()
    for _ in range(3):
        told.observer.ticked()
    told.observer.ended("succeeded", None, 0)
    assert told.warnings == ["Broken has stopped watching: OSError: disk full"]
    assert broken.closed == 0
    assert len(keeper.events) == 5


def test_a_signal_that_comes_while_somebody_is_told_is_not_swallowed(told):
    broken = Broken()
    broken.error = Interrupted(15)
    told.observer.add(broken)
    told.start()
    with pytest.raises(Interrupted):
        told.observer.ticked()


def test_who_comes_later_can_be_told_what_was(told):
    keeper = Keeper()
    told.start()
    told.observer.add(keeper, [told.tally.started])
    assert keeper.events == [told.tally.started]
