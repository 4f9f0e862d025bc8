"""How long a commit tries, and how it waits."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """When to give up.

    Attributes:
        attempts: commits that may be lost to other writers.
        seconds: for everything, waiting for a catalog that does not answer included.
        first_wait: seconds before the second attempt; each further wait is twice as long, or up to half less.
        longest_wait: seconds no wait exceeds.
    """

    attempts: int = 20
    seconds: float = 600.0
    first_wait: float = 0.1
    longest_wait: float = 10.0


@dataclass(slots=True)
class Patience:
    """What is left of the limits."""

    limits: CommitLimits
    conflicts: int = 0
    _waits: int = 0
    _start: float = field(default_factory=time.monotonic)

    @property
    def waited(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    def is_over(self) -> bool:
        """Whether another attempt is one too many."""
        return self.conflicts >= self.limits.attempts or self.waited >= self.limits.seconds

    def wait(self) -> None:
        """Sleep before the next attempt; writers that met once shall not meet again."""
        longest = min(self.limits.first_wait * 2**self._waits, self.limits.longest_wait)
        self._waits += 1
        left = max(0.0, self.limits.seconds - self.waited)
        time.sleep(min(random.uniform(longest / 2, longest), left))  # noqa: S311 -- no secret
