"""SIGTERM and SIGINT as a request to stop, which never tears a line or a commit apart (S3)."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


class Stopped(BaseException):
    """The process was told to stop. No `Exception`, so that no handler of failures keeps it running."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"stopped by {number.name}")
        self.exit_code: int = 128 + number


class StopRequest:
    """Raises `Stopped` on the main thread, at once or at the end of whatever must not be cut short.

    Only the first signal counts: Ctrl-C reaches every process of a pipeline, and a runner that then
    terminates them politely must not cut the polite ending short.
    """

    def __init__(self) -> None:
        self._number: signal.Signals | None = None
        self._raised = False
        self._holds = 0
        self._actions: list[Callable[[], None]] = []

    def install(self) -> None:
        """Listen to both signals; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def ignore(self) -> None:
        """Ignore both signals from now on: the exit code is settled, dying of one would falsify it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    @property
    def exit_code(self) -> int | None:
        """Of a process that ends because of the signal; None as long as none has come."""
        return None if self._number is None else 128 + self._number

    @contextmanager
    def hold(self, action: Callable[[], None] | None = None) -> Iterator[None]:
        """Put `Stopped` off until the block has ended; `action` is called when the signal comes."""
        self._holds += 1
        if action is not None:
            self._actions.append(action)
        try:
            yield
        finally:
            if action is not None:
                self._actions.remove(action)
            self._holds -= 1
        self._raise_if_due()

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- signal's signature
        if self._number is not None:
            return
        self._number = signal.Signals(number)
        for action in self._actions:
            action()
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._number is not None and not self._holds and not self._raised:
            self._raised = True
            raise Stopped(self._number)
