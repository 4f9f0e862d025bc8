"""Several jobs at once, each a `dativo run` of its own: none shares a lock, a limit or a fate."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from dativo.errors import TRY_AGAIN
from dativo.isolation.cgroup import divided, find_ground
from dativo.records import dataclass
from dativo.run.lines import LineSplitter
from dativo.run.loop import LOG_LINE_BYTES, TICK_SECONDS
from dativo.run.process import Child, Command
from dativo.run.signals import SignalInbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dativo.observe.console import Console

_READ_BYTES = 64 << 10
_GRACE_SECONDS = 5.0
"""For those that still run when something here fails."""
_OWN = "dativo: "
"""What the last line of a failed run begins with."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job to run; the command is named after it.

    Attributes:
        heard: takes what it writes on stdout; left out, that is its summary.
    """

    tenant: str | None
    command: Command
    heard: Callable[[bytes], None] | None = None

    @property
    def name(self) -> str:
        return self.command.name


@dataclass(frozen=True, slots=True)
class Done:
    """How it went.

    Attributes:
        code: exit code of its run.
        reason: its last line, if it failed.
        summary: what it wrote on stdout.
    """

    name: str
    code: int
    seconds: float
    reason: str | None
    summary: str


def in_turn(works: Sequence[Work]) -> list[Work]:
    """Fair to tenants: the first job of each, the second of each, and so on, by name."""
    queues: dict[str, deque[Work]] = {}
    for work in sorted(works, key=lambda work: work.name):
        queues.setdefault(work.tenant or "", deque()).append(work)
    ordered = []
    while queues:
        for tenant in sorted(queues):
            ordered.append(queues[tenant].popleft())
            if not queues[tenant]:
                del queues[tenant]
    return ordered


def worst(codes: Sequence[int]) -> int:
    """The exit code of several runs: a signal's before a failure's before one that may pass."""
    by_weight = sorted(codes, key=lambda code: (code > 128, code not in (0, TRY_AGAIN), code))
    return by_weight[-1] if by_weight else 0


class Scheduler:
    """Runs jobs, so many at once, and of each tenant no more than it may.

    Args:
        parallel: jobs at once.
        of_tenant: tenant → jobs of it at once; 0 or missing is no limit of its own.
        console: is shown what the runs say, each line with the name of its job.
        on_done: is told of each that has ended.
        on_tick: is called at least every `loop.TICK_SECONDS`; what it raises ends all.

    Attributes:
        signum: the signal that stopped it, if one did.
    """

    def __init__(
        self,
        parallel: int,
        of_tenant: Mapping[str | None, int],
        console: Console,
        on_done: Callable[[Done], None],
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        self.signum: int | None = None
        self._on_tick = on_tick
        self._parallel = parallel
        self._of_tenant = of_tenant
        self._console = console
        self._on_done = on_done
        self._running: list[_Running] = []

    def run(self, works: Sequence[Work]) -> list[Done]:
        """Runs all; after a stop signal it starts no more, and ends when those that run have ended."""
        waiting = in_turn(works)
        done: list[Done] = []
        # The cgroup is divided here for all of them: none may divide one that others are in too.
        with (
            divided(find_ground()),
            SignalInbox() as inbox,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(inbox, selectors.EVENT_READ)
            try:
                while waiting or self._running:
                    self._start(waiting, selector)
                    self._listen(selector, inbox)
                    if self.signum is not None:
                        waiting.clear()
                    ended = [each for each in self._running if each.child.has_ended()]
                    if self._on_tick is not None:
                        self._on_tick()
                    done += [self._finish(running, selector) for running in ended]
            finally:
                for running in self._running:
                    running.child.ask_to_stop()
                for running in self._running:
                    running.child.end(_GRACE_SECONDS)
                    running.child.close()
        return done

    def _start(self, waiting: list[Work], selector: selectors.BaseSelector) -> None:
        for work in list(waiting):
            if len(self._running) >= self._parallel:
                return
            busy = Counter(each.work.tenant for each in self._running)[work.tenant]
            most = self._of_tenant.get(work.tenant, 0)
            if most and busy >= most:
                continue
            waiting.remove(work)
            running = _Running(work, self._console)
            self._running.append(running)
            for number, take in ((running.child.stderr, running.log), (running.child.stdout, running.say)):
                os.set_blocking(number, False)
                selector.register(number, selectors.EVENT_READ, take)

    def _listen(self, selector: selectors.BaseSelector, inbox: SignalInbox) -> None:
        for key, _ in selector.select(TICK_SECONDS):
            if key.data is None:
                self._stop(inbox.take())
            elif not _read(key):
                selector.unregister(key.fd)

    def _stop(self, signals: Sequence[int]) -> None:
        for signum in signals:
            for running in self._running:
                if self.signum is None:
                    running.child.ask_to_stop()
                else:
                    running.child.kill()
            self.signum = self.signum or signum

    def _finish(self, running: _Running, selector: selectors.BaseSelector) -> Done:
        for key in list(selector.get_map().values()):
            if key.fd in (running.child.stderr, running.child.stdout):
                while _read(key):
                    pass
                selector.unregister(key.fd)
        self._running.remove(running)
        done = running.done()
        running.child.close()
        self._on_done(done)
        return done


class _Running:
    """A run that goes on, and what it has said."""

    def __init__(self, work: Work, console: Console) -> None:
        self.work = work
        self.child = Child(work.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._console = console
        self._began = time.monotonic()
        self._lines = LineSplitter(LOG_LINE_BYTES, cut=True)
        self._last = ""
        self._summary = bytearray()

    def log(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._show(line)

    def say(self, data: bytes) -> None:
        if self.work.heard is not None:
            self.work.heard(data)
        else:
            self._summary += data

    def done(self) -> Done:
        if rest := self._lines.rest():
            self._show(rest)
        code = self.child.returncode or 0
        code = code if code >= 0 else 128 - code
        reason = self._last.removeprefix(_OWN) if code else None
        summary = self._summary.decode(errors="replace")
        return Done(self.work.name, code, time.monotonic() - self._began, reason, summary)

    def _show(self, line: bytes) -> None:
        self._last = line.decode(errors="replace")
        self._console.line(self.work.name, self._last)


def _read(key: selectors.SelectorKey) -> bool:
    """Reads once; False at the end, and when there is nothing now."""
    try:
        data = os.read(key.fd, _READ_BYTES)
    except BlockingIOError:
        return False
    if data:
        key.data(data)
    return bool(data)
