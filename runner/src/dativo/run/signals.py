"""Signals that ask the runner to stop, in the two ways it waits: in a call, and in the loop of a pipeline."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, NoReturn

from dativo.errors import Interrupted

if TYPE_CHECKING:
    from types import FrameType, TracebackType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_on_stop_signals() -> None:
    """Makes a stop signal an Interrupted error, so that everything opened is closed on the way out.

    A signal that is ignored already (`nohup`) stays ignored.
    """
    for signum in STOP_SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _raise)


def _raise(signum: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(signum)


class SignalInbox:
    """While entered, stop signals and the end of children wake a selector instead of interrupting the code.

    Register the object for reading; after a wake-up call `take`.
    """

    def __init__(self) -> None:
        self._received: list[int] = []

    def __enter__(self) -> SignalInbox:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._previous = {
            signum: signal.getsignal(signum)
            for signum in (*STOP_SIGNALS, signal.SIGCHLD)
            if signum == signal.SIGCHLD or signal.getsignal(signum) is not signal.SIG_IGN
        }
        self._previous_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for signum in self._previous:
            signal.signal(signum, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        signal.set_wakeup_fd(self._previous_wakeup)
        os.close(self._reader)
        os.close(self._writer)
        # What nobody has taken came too late for the loop; whoever goes on must hear of it.
        for untaken in self._received[:1]:
            signal.raise_signal(untaken)

    def fileno(self) -> int:
        return self._reader

    def take(self) -> list[int]:
        """Stop signals received since the last call, in order."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)
        received, self._received = self._received, []
        return received

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if signum != signal.SIGCHLD:
            self._received.append(signum)
