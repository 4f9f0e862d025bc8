"""Reading ahead: in order, within its bound, and ended in every case."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.testing import run
from tap_csv.ahead import read_ahead

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
    return {thread.name for thread in threading.enumerate()}


def test_items_come_in_order() -> None:
    with read_ahead(Numbers(100)(), depth=3) as items:
        assert list(items) == list(range(100))
    assert "read-ahead" not in threads()


def test_no_more_than_the_bound_is_ahead() -> None:
    numbers = Numbers(100)
    with read_ahead(numbers(), depth=3) as items:
        assert next(items) == 0
        time.sleep(0.2)
        assert numbers.made <= 1 + 3 + 1
        assert list(items) == list(range(1, 100))


def test_an_error_comes_where_the_next_item_would_have() -> None:
    seen = []
    with (
        read_ahead(Numbers(3, ValueError("broken"))(), depth=2) as items,
        pytest.raises(ValueError, match="broken"),
    ):
        seen.extend(items)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_leaving_early_closes_the_generator_and_ends_the_thread(taken: int) -> None:
    numbers = Numbers(1_000_000)
    with read_ahead(numbers(), depth=2) as items:
        for _ in range(taken):
            next(items)
    assert numbers.is_closed
    assert numbers.made <= taken + 4
    assert "read-ahead" not in threads()


def test_an_exception_of_the_taker_ends_the_thread_too() -> None:
    numbers = Numbers(1_000_000)
    with pytest.raises(ZeroDivisionError), read_ahead(numbers(), depth=2) as items:
        1 // next(items)
    assert numbers.is_closed


def test_a_stop_at_any_point_ends_it() -> None:
    outcome = run([sys.executable, Path(__file__).parent / "stopped_everywhere.py"])
    assert outcome.code == 0, outcome.stderr + outcome.stdout.decode()[-200:]
    assert int(outcome.stdout.split()[-2]) > 100
