"""Queues, locks and pools of the standard library, stopped at every point."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dativo_protocol.testing.interruption import stop_everywhere

if TYPE_CHECKING:
    from dativo_protocol.signals import StopRequest

threads = ThreadPoolExecutor(1)


def exchange(_stop: StopRequest) -> None:
    ours: queue.Queue[int] = queue.Queue(maxsize=1)
    theirs: queue.Queue[int] = queue.Queue(maxsize=1)
    worker = threading.Thread(target=lambda: theirs.put(ours.get()), daemon=True)
    worker.start()
    ours.put(1)
    assert theirs.get() == 1
    worker.join()
    assert threads.submit(sum, [1, 2]).result() == 3


print(stop_everywhere(exchange), "points")
threads.shutdown()
