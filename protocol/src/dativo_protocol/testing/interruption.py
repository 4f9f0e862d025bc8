"""A stop at every point where Python looks for signals, one after the other."""

from __future__ import annotations

import dis
import signal
import sys
import time
from itertools import count
from typing import TYPE_CHECKING, Any

from dativo_protocol.signals import Stopped, StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_LOOKS_AFTER = frozenset(
    dis.opmap[name] for name in ("CALL", "CALL_FUNCTION_EX", "JUMP_BACKWARD") if name in dis.opmap
)
"""Instructions that handle signals at their end; every function does at its beginning, too."""


_SECONDS_TO_COME = 10.0
"""A stop may be put off, but comes in far less."""


def stop_everywhere(block: Callable[[StopRequest], None]) -> int:
    """Run a block again and again, told to stop at its first, second, ... last point; returns how many.

    For a process of its own: a block that cannot bear it hangs.

    Raises:
        AssertionError: a stop was lost.
    """
    for point in count(1):
        print(f"point {point}", flush=True)  # noqa: T201 -- the last one is the point where it hung
        request = StopRequest()
        request.install()
        clock = _Clock(point)
        try:
            clock.run(block, request)
            if request.exit_code is None:
                return point - 1
            time.sleep(_SECONDS_TO_COME)
        except Stopped:
            continue
        finally:
            request.ignore()
        raise AssertionError(f"the stop at point {point} was lost")
    raise AssertionError("unreachable")


class _Clock:
    """Sends the signal at one point; a trace function."""

    def __init__(self, point: int) -> None:
        self._left = point
        self._last: dict[int, int] = {}

    def run(self, block: Callable[[StopRequest], None], request: StopRequest) -> None:
        sys.settrace(self._trace)
        try:
            block(request)
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes = True
        if self._left and self._is_point(frame, event):
            self._left -= 1
            if not self._left:
                signal.raise_signal(signal.SIGTERM)
        return self._trace

    def _is_point(self, frame: FrameType, event: str) -> bool:
        if event != "opcode":
            return event == "call"
        before = self._last.get(id(frame))
        self._last[id(frame)] = frame.f_code.co_code[frame.f_lasti]
        return before in _LOOKS_AFTER
