"""Reading ahead: in order, within its bound, and ended in every case."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.ahead import read_ahead
from dativo_protocol.testing import run

if TYPE_CHECKING:
    from collections.abc import Generator


class Numbers:
    """Counts what is asked of it and whether it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.made = 0
        self.is_closed = False
        self._count = count
        self._error = error

    def __call__(self) -> Generator[int]:
        try:
            for number in range(self._count):
                self.made = number + 1
                yield number
            if self._error:
                raise self._error
        finally:
            self.is_closed = True


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")}


def test_items_come_in_order() -> None:
    with read_ahead([Numbers(100)()], limit=3) as items:
        assert list(items) == list(range(100))
    assert not threads()


def test_no_more_than_the_bound_is_ahead() -> None:
    numbers = Numbers(100)
    with read_ahead([numbers()], limit=3) as items:
        assert next(items) == 0
        time.sleep(0.2)
        assert numbers.made <= 1 + 3 + 1
        assert list(items) == list(range(1, 100))


def test_an_error_comes_where_the_next_item_would_have() -> None:
    seen = []
    with (
        read_ahead([Numbers(3, ValueError("broken"))()], limit=2) as items,
        pytest.raises(ValueError, match="broken"),
    ):
        seen.extend(items)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_leaving_early_closes_the_generator_and_ends_the_thread(taken: int) -> None:
    numbers = Numbers(1_000_000)
    with read_ahead([numbers()], limit=2) as items:
        for _ in range(taken):
            next(items)
    assert numbers.is_closed
    assert numbers.made <= taken + 4
    assert not threads()


def test_an_exception_of_the_taker_ends_the_thread_too() -> None:
    numbers = Numbers(1_000_000)
    with pytest.raises(ZeroDivisionError), read_ahead([numbers()], limit=2) as items:
        1 // next(items)
    assert numbers.is_closed


def test_the_bound_is_one_of_weight() -> None:
    numbers = Numbers(100)
    with read_ahead([numbers()], limit=25, weight=lambda _: 10) as items:
        assert next(items) == 0
        time.sleep(0.2)
        assert numbers.made <= 1 + 2 + 1
        assert list(items) == list(range(1, 100))


def test_an_item_heavier_than_the_bound_still_comes() -> None:
    with read_ahead([Numbers(5)()], limit=1, weight=lambda _: 1000) as items:
        assert list(items) == list(range(5))


def test_of_several_each_keeps_its_order() -> None:
    def tagged(tag: str) -> Generator[tuple[str, int]]:
        yield from ((tag, number) for number in range(200))

    with read_ahead([tagged("a"), tagged("b"), tagged("c")], limit=7) as items:
        taken = list(items)
    for tag in "abc":
        assert [number for source, number in taken if source == tag] == list(range(200))


def test_several_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=30)

    def meet(number: int) -> Generator[int]:
        meeting.wait()  # passes only if all three are here
        yield number

    with read_ahead([meet(number) for number in range(3)], limit=1) as items:
        assert sorted(items) == [0, 1, 2]


def test_an_error_of_one_ends_the_others() -> None:
    endless = Numbers(1 << 40)
    with (
        pytest.raises(ValueError, match="broken"),
        read_ahead([endless(), Numbers(3, ValueError("broken"))()], limit=2) as items,
    ):
        list(items)
    assert endless.is_closed
    assert not threads()


def test_one_that_waits_elsewhere_hears_of_the_end() -> None:
    stop = threading.Event()

    def wait() -> Generator[int]:
        yield 1
        assert stop.wait(30)

    with read_ahead([wait()], limit=1, stop=stop) as items:
        assert next(items) == 1
    assert stop.is_set()
    assert not threads()


def test_nothing_to_read() -> None:
    with read_ahead([], limit=1) as items:
        assert list(items) == []


def test_a_stop_at_any_point_ends_it() -> None:
    outcome = run([sys.executable, Path(__file__).parent / "executables/ahead_stopped_everywhere.py"])
    assert outcome.code == 0, outcome.stderr + outcome.stdout.decode()[-200:]
    assert int(outcome.stdout.split()[-2]) > 100
