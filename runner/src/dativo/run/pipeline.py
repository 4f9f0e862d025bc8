"""Tap and target on one pipe of the operating system, watched until both have ended.

The runner never reads the pipe. It holds a second write end of it, because the end of input is a promise: the
target takes it for "this is all" and publishes what it has. So the runner closes its end only after the tap
has exited with 0. When the tap fails, the target is told to stop (SIGTERM: it drops what is unpublished) and
never sees an end of input. When the target ends first, the tap is told to stop, and the broken pipe stops it
anyway.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import subprocess
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from dativo.errors import RunFailed
from dativo.run.lines import LineSplitter, LineTooLong
from dativo.run.process import Child, Command
from dativo.run.signals import SignalInbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIPE_BYTES = 1 << 20
LOG_LINE_BYTES = 64 << 10
STATE_LINE_BYTES = 64 << 20
_READ_BYTES = 64 << 10


class Watcher(Protocol):
    """Who is told what goes on; called from the one thread there is, so every call must be short."""

    def log(self, connector: str, line: bytes) -> None:
        """A connector wrote a line on stderr."""

    def state(self, line: bytes) -> None:
        """The target wrote a line on stdout: what it has made durable. May raise to end the run."""

    def tick(self) -> None:
        """Time passes; called at least every `TICK_SECONDS`."""


TICK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Ending:
    """How one side ended.

    Attributes:
        returncode: exit code, negative for a signal.
        told_to_stop: whether the runner asked it to.
        early: the target only: it ended although the end of input had not come.
    """

    name: str
    returncode: int
    told_to_stop: bool
    early: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How both sides ended, and the signal that stopped the run, if one did."""

    tap: Ending
    target: Ending
    signum: int | None


class _Side:
    """A child with what the loop knows about it."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.told_to_stop = False
        self.ended = False
        self.early = False
        self.kill_at: float | None = None

    def stop(self, grace: float) -> None:
        if not self.ended and not self.told_to_stop:
            self.told_to_stop = True
            self.kill_at = time.monotonic() + grace
            self.child.ask_to_stop()

    def ending(self) -> Ending:
        returncode = self.child.returncode
        assert returncode is not None
        return Ending(self.child.name, returncode, self.told_to_stop, self.early)


def run_pipeline(tap: Command, target: Command, watcher: Watcher, *, grace_seconds: float) -> Outcome:
    """Runs both sides to their end.

    Args:
        tap: its stdout becomes the target's stdin.
        target: its stdout is read for STATE.
        watcher: is told about logs, states and time.
        grace_seconds: how long a side that is told to stop may take before it is killed.

    Raises:
        ConnectorError: a side could not be started.
        RunFailed: the target wrote more than a STATE can be.
        Exception: whatever the watcher raises; both sides have been ended then.
    """
    with SignalInbox() as inbox, _pipe() as (reading, writing):
        target_child = Child(target, stdin=reading.number, stdout=subprocess.PIPE)
        with _ended_in_the_end(target_child, grace_seconds):
            tap_child = Child(tap, stdin=subprocess.DEVNULL, stdout=writing.number)
            with _ended_in_the_end(tap_child, grace_seconds):
                reading.close()
                loop = _Loop(_Side(tap_child), _Side(target_child), writing, watcher, inbox, grace_seconds)
                return loop.run()


class _End:
    """One end of the pipe as the runner holds it; closing twice is harmless."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.open = True

    def fileno(self) -> int:
        return self.number

    def close(self) -> None:
        if self.open:
            self.open = False
            os.close(self.number)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[_End, _End]]:
    reading, writing = map(_End, os.pipe())
    try:
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # A user near the system's limit on pipe memory is refused; the default size works, only slower.
            with contextlib.suppress(OSError):
                fcntl.fcntl(writing.number, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        yield reading, writing
    finally:
        reading.close()
        writing.close()


@contextlib.contextmanager
def _ended_in_the_end(child: Child, grace_seconds: float) -> Iterator[None]:
    try:
        yield
    finally:
        child.close()
        if not child.has_ended():
            child.end(grace_seconds)


class _Loop:
    """Waits for the first thing that happens, deals with it, until both sides have ended."""

    def __init__(
        self,
        tap: _Side,
        target: _Side,
        writing: _End,
        watcher: Watcher,
        inbox: SignalInbox,
        grace_seconds: float,
    ) -> None:
        self._tap = tap
        self._target = target
        self._writing = writing
        self._watcher = watcher
        self._inbox = inbox
        self._grace = grace_seconds
        self._signum: int | None = None
        self._selector = selectors.DefaultSelector()

    def run(self) -> Outcome:
        with self._selector:
            self._selector.register(self._inbox, selectors.EVENT_READ)
            self._listen_to_logs(self._tap.child)
            self._listen_to_logs(self._target.child)
            states = LineSplitter(STATE_LINE_BYTES, cut=False)
            self._listen(self._target.child.stdout, states, self._state)
            try:
                while not (self._tap.ended and self._target.ended):
                    self._step()
                self._read_the_rest()
            except BaseException:
                self._target.stop(self._grace)
                self._tap.stop(self._grace)
                raise
        return Outcome(self._tap.ending(), self._target.ending(), self._signum)

    def _listen_to_logs(self, child: Child) -> None:
        splitter = LineSplitter(LOG_LINE_BYTES, cut=True)
        self._listen(child.stderr, splitter, partial(self._watcher.log, child.name))

    def _listen(self, number: int, splitter: LineSplitter, take: Callable[[bytes], None]) -> None:
        os.set_blocking(number, False)
        self._selector.register(number, selectors.EVENT_READ, (splitter, take))

    def _step(self) -> None:
        for key, _ in self._selector.select(TICK_SECONDS):
            if key.data is None:
                self._signals()
            else:
                self._read(key)
        self._notice_ends()
        self._kill_what_overstays()
        self._watcher.tick()

    def _read(self, key: selectors.SelectorKey) -> bool:
        """Reads once; False when there is nothing (more) to read."""
        splitter, take = key.data
        try:
            data = os.read(key.fd, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(key.fd)
            if rest := splitter.rest():
                take(rest)
            return False
        try:
            lines = splitter.feed(data)
        except LineTooLong as error:
            raise RunFailed(
                f"{self._target.child.name} wrote {error} on stdout, which is no STATE"
            ) from error
        for line in lines:
            take(line)
        return True

    def _read_the_rest(self) -> None:
        """All writers are gone, so what they wrote is in the pipes: read until these are empty."""
        for key in list(self._selector.get_map().values()):
            while key.data is not None and self._read(key):
                pass
            if key.data is not None and (rest := key.data[0].rest()):
                key.data[1](rest)

    def _state(self, line: bytes) -> None:
        if line.strip():
            self._watcher.state(line)

    def _notice_ends(self) -> None:
        if not self._target.ended and self._target.child.has_ended():
            self._target.ended = True
            self._target.early = self._writing.open
            self._tap.stop(self._grace)
        if not self._tap.ended and self._tap.child.has_ended():
            self._tap.ended = True
            if self._tap.child.returncode == 0 and self._signum is None:
                self._writing.close()
            else:
                self._target.stop(self._grace)

    def _signals(self) -> None:
        for signum in self._inbox.take():
            if self._signum is None:
                self._signum = signum
                self._target.stop(self._grace)
                self._tap.stop(self._grace)
            else:
                self._target.child.kill()
                self._tap.child.kill()

    def _kill_what_overstays(self) -> None:
        now = time.monotonic()
        for side in (self._tap, self._target):
            if not side.ended and side.kill_at is not None and now >= side.kill_at:
                side.kill_at = None
                side.child.kill()
