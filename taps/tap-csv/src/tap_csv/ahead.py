"""Work done ahead of its taker, in a thread of its own and within a bound."""

from __future__ import annotations

import queue
import threading
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

T = TypeVar("T")

_SECONDS_BETWEEN_STOPS = 0.1
"""How long the taker waits at a time: a request to stop is heard so often."""


class _Ending:
    """The last thing in a queue: how the work ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def read_ahead(
    items: Generator[T], *, depth: int, hold: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[Iterator[T]]:
    """Take items from a generator in a thread, at most `depth` ahead.

    An exception of the generator is raised where its next item would have come. When the block is left the
    generator is closed and the thread has ended, whether or not all items were taken.

    Args:
        items: none of them None; closed at the end.
        depth: most items that wait.
        hold: block in which the process must not be stopped (see `StopRequest.hold`): a stop in the middle of
            an exchange between the threads would leave a lock behind.
    """
    ahead: queue.Queue[T | _Ending] = queue.Queue(maxsize=depth)
    stop = threading.Event()
    worker = threading.Thread(target=_work, args=(items, ahead, stop), name="read-ahead", daemon=True)
    try:
        with hold():
            worker.start()
        yield _taken(ahead, hold)
    finally:
        with hold():
            stop.set()
            while worker.is_alive():
                _make_room(ahead)
                worker.join(timeout=0.01)


def _work(items: Generator[T], ahead: queue.Queue[T | _Ending], stop: threading.Event) -> None:
    try:
        with closing(items):
            for item in items:
                ahead.put(item)
                if stop.is_set():
                    return
    except BaseException as error:  # noqa: BLE001 -- handed to the taker, who raises it
        ahead.put(_Ending(error))
    else:
        ahead.put(_Ending(None))


def _taken(ahead: queue.Queue[T | _Ending], hold: Callable[[], AbstractContextManager[None]]) -> Iterator[T]:
    while True:
        with hold():
            item = _next_of(ahead)
        if item is None:
            continue
        if not isinstance(item, _Ending):
            yield item
            continue
        if item.error is not None:
            raise item.error
        return


def _next_of(ahead: queue.Queue[T | _Ending]) -> T | _Ending | None:
    try:
        return ahead.get(timeout=_SECONDS_BETWEEN_STOPS)
    except queue.Empty:
        return None


def _make_room(ahead: queue.Queue[T | _Ending]) -> None:
    while not ahead.empty():
        ahead.get_nowait()
