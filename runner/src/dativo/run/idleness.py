"""Whether anything moves: bytes through pipes, lines of log, work on the CPU."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dativo.isolation.usage import Usage

WORKING_SHARE = 0.02
"""Of one CPU: who uses less only looks whether there is something to do."""


class Idleness:
    """Since when nothing has moved.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._cpu = self._cpu_before = 0.0
        self._bytes = 0

    def moved(self) -> None:
        """Something was read from a connector."""
        self._since = self._clock()
        self._cpu_before = self._cpu

    def used(self, usages: Sequence[Usage]) -> None:
        """What all connectors use now."""
        moved = sum(usage.read + usage.sent for usage in usages)
        self._cpu = sum(usage.cpu for usage in usages)
        if moved != self._bytes:
            self._bytes = moved
            self.moved()

    def lasts(self, seconds: float) -> bool:
        """Whether nothing has moved for so long."""
        idle = self._clock() - self._since
        if idle < seconds:
            return False
        if self._cpu - self._cpu_before > WORKING_SHARE * idle:
            self.moved()
            return False
        return True
