"""The threads that turn rows into Parquet pages, beside those that decode the rows and take them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class Encoders:
    """Runs at most `count` jobs at once, for all writers of a run together.

    Args:
        count: jobs at once; the rows of that many row groups are in memory for it.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = BoundedSemaphore(count)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="encode")

    @property
    def idle(self) -> bool:
        """Whether a job would start at once."""
        if free := self._free.acquire(blocking=False):
            self._free.release()
        return free

    def submit(self, job: Callable[[], None]) -> Future[None]:
        """Start a job as soon as a thread is free, which this waits for."""
        self._free.acquire()
        future = self._threads.submit(job)
        future.add_done_callback(lambda _: self._free.release())
        return future

    def close(self) -> None:
        """Wait for the jobs that run, and let the threads go."""
        self._threads.shutdown()
