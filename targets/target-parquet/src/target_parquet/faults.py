"""Places where a test stops the process: `DATIVO_FAULT=<point>[:n[:signal]]`.

The signal comes at the n-th passing of the point. It is KILL; with STOP the process stays as it is until it
is sent CONT.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "DATIVO_FAULT"

_passed: dict[str, int] = {}


def passing(point: str) -> None:
    """Die or stop here, if the environment asks for it."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, number, kind = [*wanted.split(":"), "", ""][:3]
    if name == point:
        _passed[point] = _passed.get(point, 0) + 1
        if _passed[point] == int(number or 1):
            os.kill(os.getpid(), signal.Signals[f"SIG{kind or 'KILL'}"])
