"""Invalid lines that go together, and those that must not wait."""

import time

from dativo_protocol.events import InvalidEvent
from dativo_protocol.flood import Flood


def invalid(line: int, size: int = 10) -> InvalidEvent:
    return InvalidEvent(line, "s", "", "why", b"x" * size)


def test_the_first_line_goes_at_once():
    flood = Flood()
    flood.add(invalid(1))
    assert flood.is_due()


def test_lines_close_behind_it_wait_for_each_other():
    flood = Flood().next()
    flood.add(invalid(1))
    assert not flood.is_due()


def test_lines_that_come_later_do_not():
    flood = Flood(time.monotonic() - 1)
    flood.add(invalid(1))
    assert flood.is_due()


def test_they_wait_no_longer_than_memory_allows():
    flood = Flood(time.monotonic() + 1000)
    count = 0
    while not flood.is_due():
        count += 1
        flood.add(invalid(count, size=1000))
    assert flood.weight < 300_000
    assert [event.line for event in flood.events] == list(range(1, count + 1))
