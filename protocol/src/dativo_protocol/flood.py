"""Invalid lines on their way between two threads.

Each handing over may be a change of threads, which costs more than the line itself. So the lines of a flood
go together; the first one goes at once, since the policy may be to stop at it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo_protocol.events import InvalidEvent

_EVENT_BYTES = 512
_MOST_BYTES = 256 << 10
_SECONDS = 0.01


class Flood:
    """Invalid lines that came one after the other.

    Attributes:
        events: of them.
        weight: bytes in memory, roughly.

    Args:
        since: when the flood before was handed over, by the monotonic clock.
    """

    def __init__(self, since: float = float("-inf")) -> None:
        self.events: list[InvalidEvent] = []
        self.weight = 0
        self._since = since

    def add(self, event: InvalidEvent) -> None:
        """Take one more."""
        self.events.append(event)
        self.weight += len(event.raw) + _EVENT_BYTES

    def is_due(self) -> bool:
        """Whether it is to be handed over: it has grown, or the last one was a while ago."""
        return self.weight >= _MOST_BYTES or time.monotonic() - self._since >= _SECONDS

    def next(self) -> Flood:
        """The one that follows, when this one is handed over."""
        return Flood(time.monotonic())
