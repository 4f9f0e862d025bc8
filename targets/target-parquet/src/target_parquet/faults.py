"""Places where a test kills the process: `DATIVO_FAULT=<point>[:n]` is SIGKILL at the n-th passing of one."""

from __future__ import annotations

import os
import signal

VARIABLE = "DATIVO_FAULT"

_passed: dict[str, int] = {}


def passing(point: str) -> None:
    """Die here, if the environment asks for it."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, number = wanted.partition(":")
    if name == point:
        _passed[point] = _passed.get(point, 0) + 1
        if _passed[point] == int(number or 1):
            os.kill(os.getpid(), signal.SIGKILL)
