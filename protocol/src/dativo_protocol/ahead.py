"""Work done ahead of its taker, in threads of its own and within a bound."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

T = TypeVar("T")

_SECONDS_BETWEEN_STOPS = 0.1
"""How long the taker waits at a time: a request to stop is heard so often."""


def _one(_: object) -> int:
    return 1


@contextmanager
def read_ahead(
    sources: Iterable[Generator[T]],
    *,
    limit: int,
    weight: Callable[[T], int] = _one,
    hold: Callable[[], AbstractContextManager[None]] = nullcontext,
    stop: threading.Event | None = None,
) -> Iterator[Iterator[T]]:
    """Take items from generators, each in a thread of its own, as they come.

    The items of one generator stay in order. An exception of a generator is raised where its next item would
    have come. When the block is left the generators are closed and the threads have ended, whether or not all
    items were taken.

    Args:
        sources: none of their items is None.
        limit: most weight of items that wait; one item may wait whatever its weight. Besides, each generator
            may hold one that does not fit yet.
        weight: of an item, such as its bytes; by default items are counted.
        hold: block in which the process must not be stopped (see `StopRequest.hold`): a stop in the middle of
            an exchange between the threads would leave a lock behind.
        stop: set when the block is left, for generators that wait for something else.
    """
    sources = list(sources)
    waiting = _Waiting[T](limit, len(sources))
    workers: list[threading.Thread] = []
    try:
        for number, source in enumerate(sources, start=1):
            with hold():
                worker = threading.Thread(
                    target=_work, args=(source, waiting, weight), name=f"read-ahead-{number}", daemon=True
                )
                worker.start()
                workers.append(worker)
        yield _taken(waiting, hold)
    finally:
        with hold():
            if stop is not None:
                stop.set()
            waiting.close()
            for worker in workers:
                worker.join()


class _Ending:
    """The last thing that comes of a generator: how it ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Waiting(Generic[T]):
    """Items between the threads, in the order in which they came."""

    def __init__(self, limit: int, workers: int) -> None:
        self.working = workers
        self._limit = limit
        self._items: deque[tuple[T | _Ending, int]] = deque()
        self._weight = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, item: T | _Ending, weight: int) -> bool:
        """Wait for room; False if nobody wants any more."""
        with self._changed:
            while self._items and weight and self._weight + weight > self._limit and not self._is_closed:
                self._changed.wait()
            if not self._is_closed:
                self._items.append((item, weight))
                self._weight += weight
                self._changed.notify_all()
            return not self._is_closed

    def take(self, seconds: float) -> T | _Ending | None:
        """Return the next item, None if there was none for so long."""
        with self._changed:
            if not self._items:
                self._changed.wait(seconds)
            if not self._items:
                return None
            item, weight = self._items.popleft()
            self._weight -= weight
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Want nothing any more."""
        with self._changed:
            self._is_closed = True
            self._items.clear()
            self._changed.notify_all()


def _work(source: Generator[T], waiting: _Waiting[T], weight: Callable[[T], int]) -> None:
    try:
        with closing(source):
            for item in source:
                if not waiting.put(item, weight(item)):
                    return
    except BaseException as error:  # noqa: BLE001 -- handed to the taker, who raises it
        waiting.put(_Ending(error), 0)
    else:
        waiting.put(_Ending(None), 0)


def _taken(waiting: _Waiting[T], hold: Callable[[], AbstractContextManager[None]]) -> Iterator[T]:
    working = waiting.working
    while working:
        with hold():
            item = waiting.take(_SECONDS_BETWEEN_STOPS)
        if item is None:
            continue
        if not isinstance(item, _Ending):
            yield item
        elif item.error is not None:
            raise item.error
        else:
            working -= 1
