"""Waits for the first thing that happens to a row of connectors, deals with it, until all have ended."""

from __future__ import annotations

import os
import selectors
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from dativo.errors import RunFailed
from dativo.isolation.usage import Breach, Usage
from dativo.run.idleness import Idleness
from dativo.run.lines import LineSplitter, LineTooLong
from dativo.run.pipes import PipeFill
from dativo.run.stages import Ending, Outcome
from dativo.secrets.redact import everywhere

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dativo.isolation.watch import Contained, Household
    from dativo.run.pipes import Pipe
    from dativo.run.process import Child
    from dativo.run.signals import SignalInbox
    from dativo.run.stages import Overdue, Patience, Watcher

TICK_SECONDS = 0.25
FIRST_TICK_SECONDS = 0.02
FIRST_SECONDS = 2.0
"""So long it is looked more often, for when the first record comes."""
LOG_LINE_BYTES = 64 << 10
STATE_LINE_BYTES = 64 << 20
_READ_BYTES = 64 << 10


class Side:
    """A child with what the loop knows about it."""

    def __init__(self, child: Child, contained: Contained) -> None:
        self.child = child
        self.contained = contained
        self.told_to_stop = False
        self.ended = False
        self.early = False
        self.kill_at: float | None = None
        self.logs = LineSplitter(LOG_LINE_BYTES, cut=True, safe_cut=everywhere().safe_cut)
        self._logged = 0

    @property
    def name(self) -> str:
        return self.child.name

    def stop(self, grace: float) -> None:
        if not self.ended and not self.told_to_stop:
            self.told_to_stop = True
            self.kill_at = time.monotonic() + grace
            self.child.ask_to_stop()

    def kill(self) -> None:
        if not self.ended:
            self.contained.end()
            self.child.kill()

    def has_just_ended(self) -> bool:
        if self.ended or not self.child.has_ended():
            return False
        self.ended = True
        self.contained.has_ended()
        self.contained.end()
        return True

    def logged(self, line: bytes) -> Breach | None:
        """Counts a line of its log; the limit that is exceeded with it, if one is."""
        self._logged += len(line) + 1
        allowed = self.contained.bounds.log_bytes
        if allowed is not None and self._logged > allowed:
            return Breach(self.name, "log_bytes", self._logged, allowed)
        return None

    def ending(self) -> Ending:
        returncode = self.child.returncode
        assert returncode is not None
        return Ending(self.name, returncode, self.told_to_stop, self.early)


class Loop:
    """One run of a pipeline; `pipes[i]` lies between `sides[i]` and `sides[i + 1]`."""

    def __init__(
        self,
        sides: Sequence[Side],
        pipes: Sequence[Pipe],
        watcher: Watcher,
        household: Household,
        inbox: SignalInbox,
        patience: Patience,
    ) -> None:
        self._sides = sides
        self._pipes = pipes
        self._watcher = watcher
        self._household = household
        self._inbox = inbox
        self._patience = patience
        self._idleness = Idleness()
        self._began = time.monotonic()
        self._has_begun = False
        self._signum: int | None = None
        self._breach: Breach | None = None
        self._overdue: Overdue | None = None
        self._selector = selectors.DefaultSelector()

    def run(self) -> Outcome:
        with self._selector:
            self._selector.register(self._inbox, selectors.EVENT_READ)
            for side in self._sides:
                self._listen(side.child.stderr, side.logs, partial(self._log, side))
            target = self._sides[-1].child
            self._listen(target.stdout, LineSplitter(STATE_LINE_BYTES, cut=False), self._state)
            try:
                while not all(side.ended for side in self._sides):
                    self._step()
                self._read_the_rest()
            except BaseException:
                self._stop_all()
                raise
        endings = tuple(side.ending() for side in self._sides)
        return Outcome(endings, self._signum, self._breach, self._overdue)

    def _listen(self, number: int, splitter: LineSplitter, take: Callable[[bytes], None]) -> None:
        os.set_blocking(number, False)
        self._selector.register(number, selectors.EVENT_READ, (splitter, take))

    def _step(self) -> None:
        for key, _ in self._selector.select(min(self._tick(), self._household.seconds_to_next_look)):
            if key.data is None:
                self._signals()
            else:
                self._read(key)
        self._notice_ends()
        self._look_for_the_first()
        self._look_at_usage()
        self._look_at_the_clock()
        self._watcher.tick()

    def _tick(self) -> float:
        soon = not self._has_begun and time.monotonic() - self._began < FIRST_SECONDS
        return FIRST_TICK_SECONDS if soon else TICK_SECONDS

    def _look_for_the_first(self) -> None:
        """Tells of the first pipe as soon as there is something in it."""
        if self._has_begun or not (self._pipes and self._pipes[0].writing.open):
            return
        if share := self._pipes[0].share_filled():
            self._has_begun = True
            self._watcher.pipes([PipeFill(self._sides[0].name, self._sides[1].name, share)])

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
        self._idleness.moved()
        try:
            lines = splitter.feed(data)
        except LineTooLong as error:
            name = self._sides[-1].name
            raise RunFailed(f"{name} wrote {error} on stdout, which is no STATE", side=name) from error
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

    def _log(self, side: Side, line: bytes) -> None:
        if breach := side.logged(line):
            self._exceeded(side, breach)
        else:
            self._watcher.log(side.name, line)

    def _state(self, line: bytes) -> None:
        if line.strip():
            self._watcher.state(line)

    def _notice_ends(self) -> None:
        # The last one first: it counts as early if its input was open when it ended, and what is noticed of
        # the ones before it closes that.
        for index in reversed(range(len(self._sides))):
            side = self._sides[index]
            if not side.has_just_ended():
                continue
            side.early = index > 0 and self._pipes[index - 1].writing.open
            if breach := _breach_of_the_kernel(side):
                self._exceeded(side, breach)
            if side.child.returncode != 0 or side.early or side.told_to_stop:
                self._stop_all()
            elif index < len(self._pipes):
                self._pipes[index].writing.close()

    def _signals(self) -> None:
        for signum in self._inbox.take():
            if self._signum is None:
                self._signum = signum
                self._stop_all()
            else:
                for side in reversed(self._sides):
                    side.kill()

    def _look_at_usage(self) -> None:
        usages = self._household.look()
        if not usages:
            return
        sides = {side.contained: side for side in self._sides}
        for contained, usage in usages:
            self._watcher.usage(contained.name, usage)
            if breach := contained.breach(usage):
                self._exceeded(sides[contained], breach)
        self._idleness.used([usage for _, usage in usages])
        self._watcher.pipes(
            [
                PipeFill(writer.name, reader.name, pipe.share_filled())
                for writer, reader, pipe in zip(self._sides, self._sides[1:], self._pipes, strict=False)
                if pipe.writing.open
            ]
        )

    def _exceeded(self, side: Side, breach: Breach) -> None:
        """The first limit counts; who exceeded it is not asked but ended, with all that it started."""
        if self._breach is None:
            self._breach = breach
            side.told_to_stop = True
            side.kill()
            self._stop_all()

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        for side in self._sides:
            if not side.ended and side.kill_at is not None and now >= side.kill_at:
                side.kill_at = None
                side.kill()
        if self._overdue or self._signum or self._breach:
            return
        if self._patience.run is not None and now - self._began >= self._patience.run:
            self._overdue = "run"
        elif self._patience.idle is not None and self._idleness.lasts(self._patience.idle):
            self._overdue = "idle"
        if self._overdue:
            self._stop_all()

    def _stop_all(self) -> None:
        for side in reversed(self._sides):
            side.stop(self._patience.grace)


def _breach_of_the_kernel(side: Side) -> Breach | None:
    """A limit that the kernel has ended the process for."""
    bounds = side.contained.bounds
    if side.contained.ran_out_of_memory():
        return side.contained.breach(Usage())
    if side.child.returncode == -signal.SIGXCPU and bounds.cpu_seconds is not None:
        measured = max(side.contained.cpu, bounds.cpu_seconds)
        return Breach(side.name, "cpu_seconds", measured, bounds.cpu_seconds)
    if side.child.returncode == -signal.SIGXFSZ and bounds.file_size is not None:
        return Breach(side.name, "file_size", bounds.file_size, bounds.file_size)
    return None
