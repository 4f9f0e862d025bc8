"""Reading ahead, stopped at every point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.testing.interruption import stop_everywhere
from tap_csv.ahead import read_ahead

if TYPE_CHECKING:
    from dativo_protocol.signals import StopRequest


def read(stop: StopRequest) -> None:
    with read_ahead((number for number in range(4)), depth=2, hold=stop.hold) as items:
        assert list(items) == [0, 1, 2, 3]


print(stop_everywhere(read), "points")
