"""A queue between two threads whose bound is the weight of what it holds, not the number of items."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")

_LEAST_WEIGHT = 512  # so that a flood of weightless items is bounded too


class Handoff(Generic[T]):
    """First in, first out; `put` waits while what is held would weigh more than `limit` bytes.

    One item heavier than the limit passes alone, or it could never pass.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[tuple[T, int]] = deque()
        self._held = 0
        self._closed = False
        self._changed = Condition()

    def put(self, item: T, weight: int = 0) -> bool:
        """Append an item, waiting for room; False if the taker has closed the queue."""
        weight = max(weight, _LEAST_WEIGHT)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(weight))
            if self._closed:
                return False
            self._items.append((item, weight))
            self._held += weight
            self._changed.notify_all()
            return True

    def _has_room(self, weight: int) -> bool:
        return not self._items or self._held + weight <= self._limit

    def get(self) -> T:
        """Take the oldest item, waiting for one."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items))
            item, weight = self._items.popleft()
            self._held -= weight
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Drop what is held and turn away whatever comes; releases a waiting `put`."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._held = 0
            self._changed.notify_all()
