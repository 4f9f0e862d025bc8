"""Reading ahead, stopped at every point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.ahead import read_ahead
from dativo_protocol.testing.interruption import stop_everywhere

if TYPE_CHECKING:
    from dativo_protocol.signals import StopRequest


def read(stop: StopRequest) -> None:
    sources = [(number for number in range(first, first + 2)) for first in (0, 2)]
    with read_ahead(sources, limit=2, hold=stop.hold) as items:
        assert sorted(items) == [0, 1, 2, 3]


print(stop_everywhere(read), "points")
