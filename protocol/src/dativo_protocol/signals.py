"""SIGTERM and SIGINT as a request to stop, which never tears a line or a commit apart (S3)."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_DELICATE = frozenset(
    {
        "concurrent",
        "importlib",
        "_frozen_importlib",
        "logging",
        "queue",
        "threading",
        "weakref",
        "_weakrefset",
    }
)
"""Packages that an exception out of nowhere leaves with a lock held for ever, or that swallow it."""

_SECONDS_TO_NEXT_TRY = 0.02

_TRIES_AT_ONE_PLACE = 5
"""Found so often at the same instruction, the main thread waits there, and waiting may be cut short."""


class Stopped(BaseException):
    """The process was told to stop. No `Exception`, so that no handler of failures keeps it running."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"stopped by {number.name}")
        self.exit_code: int = 128 + number


class StopRequest:
    """Raises `Stopped` on the main thread, at once or at the end of whatever must not be cut short.

    That is what `hold` encloses, and the standard library's handling of locks.

    Only the first signal counts: Ctrl-C reaches every process of a pipeline, and a runner that then
    terminates them politely must not cut the polite ending short.
    """

    def __init__(self) -> None:
        self._number: signal.Signals | None = None
        self._raised = False
        self._holds = 0
        self._actions: list[Callable[[], None]] = []
        self._place: tuple[int, int] | None = None
        self._tries = 0

    def install(self) -> None:
        """Listen to both signals, and to the timer that tries again; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)
        signal.signal(signal.SIGALRM, self._try_again)

    def ignore(self) -> None:
        """Ignore the signals from now on: the exit code is settled, dying of one would falsify it."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)

    @property
    def exit_code(self) -> int | None:
        """Of a process that ends because of the signal; None as long as none has come."""
        return None if self._number is None else 128 + self._number

    @contextmanager
    def hold(self, action: Callable[[], None] | None = None) -> Iterator[None]:
        """Put `Stopped` off until the block has ended; `action` is called when the signal comes.

        Raises:
            Stopped: the signal has come: instead of the block, or after it.
        """
        if self._is_due():
            self._raise()
        self._holds += 1
        if action is not None:
            self._actions.append(action)
        try:
            yield
        finally:
            if action is not None:
                self._actions.remove(action)
            self._holds -= 1
        if self._is_due():
            self._raise()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            return
        self._number = signal.Signals(number)
        for action in self._actions:
            action()
        self._try_again(number, frame)

    def _try_again(self, _number: int, frame: FrameType | None) -> None:
        if not self._is_due():
            return
        if frame is not None and _is_delicate(frame) and not self._waits_at(frame):
            signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_NEXT_TRY)
        else:
            self._raise()

    def _is_due(self) -> bool:
        return self._number is not None and not self._holds and not self._raised

    def _raise(self) -> None:
        assert self._number is not None
        self._raised = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Stopped(self._number)

    def _waits_at(self, frame: FrameType) -> bool:
        place = (id(frame), frame.f_lasti)
        self._tries = self._tries + 1 if place == self._place else 1
        self._place = place
        return self._tries >= _TRIES_AT_ONE_PLACE


def _is_delicate(frame: FrameType) -> bool:
    """Whether something under way was written without an exception between any two steps in mind."""
    current: FrameType | None = frame
    while current is not None:
        package = str(current.f_globals.get("__name__")).partition(".")[0]
        if package in _DELICATE or current.f_code.co_name == "__del__":
            return True
        current = current.f_back
    return False
