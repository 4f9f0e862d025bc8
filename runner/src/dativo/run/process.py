"""One connector as a process: in a group of its own, asked to stop, ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import ConnectorError
from dativo.isolation.tree import children_of
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAUNCHER = Path(__file__).parents[1] / "isolation" / "launcher.py"


@dataclass(frozen=True, slots=True)
class Command:
    """What to start.

    Attributes:
        name: name of the connector, for labels and messages.
        argv: program and arguments; never a secret.
        directory: working directory.
        environ: the whole environment.
        limits: limits of the kernel, by their names in `resource`.
        inherits: descriptors that it is given beside its pipes.
        cgroup: descriptor by which it joins the cgroup that bounds it (`Leaf.door`).
        is_shut_in: whether it runs below bubblewrap, which is not to be asked but passed over.
    """

    name: str
    argv: tuple[str, ...]
    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    limits: Mapping[str, int] = field(default_factory=dict)
    inherits: tuple[int, ...] = ()
    cgroup: int | None = None
    is_shut_in: bool = False


class Child:
    """A started connector.

    Its own process group lets the runner, not the terminal, decide who is told to stop first, and lets it
    end what the connector leaves behind. If the runner itself is killed, the kernel sends the connector
    SIGTERM. A launcher binds it so before it becomes the program; `confirm` waits for that.
    """

    def __init__(self, command: Command, *, stdin: int, stdout: int) -> None:
        self.name = command.name
        self._program = command.argv[0]
        self._is_shut_in = command.is_shut_in
        self._report, report = os.pipe()
        try:
            self._popen = subprocess.Popen(
                _launched(command, report),
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                cwd=command.directory,
                env=command.environ,
                pass_fds=(report, *command.inherits, *_doors(command)),
                process_group=0,
            )
        except OSError as error:
            os.close(self._report)
            raise self._cannot_start(error.strerror) from error
        finally:
            os.close(report)

    def confirm(self) -> None:
        """Waits until it is the program; raises ConnectorError if that cannot be started."""
        number = self._report
        if number < 0:
            return
        self._report = -1
        with open(number, "rb") as report:  # noqa: PTH123  (a descriptor)
            errno = report.read()
        if errno:
            self._popen.wait()
            self.close()
            raise self._cannot_start(os.strerror(int(errno)))

    @property
    def stdout(self) -> int:
        assert self._popen.stdout is not None
        return self._popen.stdout.fileno()

    @property
    def stderr(self) -> int:
        assert self._popen.stderr is not None
        return self._popen.stderr.fileno()

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for the signal that ended it, None while it runs."""
        code = self._popen.returncode
        return _told_by_bwrap(code) if self._is_shut_in and code is not None else code

    @property
    def pid(self) -> int:
        return self._popen.pid

    def has_ended(self) -> bool:
        """Whether it has ended; if so, what is left of its group is ended too.

        The group is signalled before the process is reaped: until then its number cannot belong to others.
        """
        if self._popen.returncode is not None:
            return True
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self._signal_group(signal.SIGKILL)
        self._popen.wait()
        return True

    def ask_to_stop(self) -> None:
        if self._popen.returncode is not None:
            return
        if self._is_shut_in:
            _ask_inside(self.pid)
        else:
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and everything in its group, now."""
        if self._popen.returncode is None:
            self._signal_group(signal.SIGKILL)

    def end(self, grace: float) -> None:
        """Asks it to stop, waits up to `grace` seconds, kills it; for ways out other than the regular one."""
        self.ask_to_stop()
        deadline = time.monotonic() + grace
        while not self.has_ended():
            if time.monotonic() >= deadline:
                self.kill()
            time.sleep(0.01)

    def close(self) -> None:
        if self._report >= 0:
            os.close(self._report)
            self._report = -1
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()

    def _cannot_start(self, why: str | None) -> ConnectorError:
        return ConnectorError(f"{self.name} cannot be started: {self._program}: {why}")

    def _signal_group(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signum)


def _ask_inside(bwrap: int) -> None:
    """Asks the connector itself: bubblewrap would die of the signal, and take it along without a word.

    Below bubblewrap is the first process of the sandbox, and its oldest child is the connector.
    """
    for first in children_of(bwrap)[:1]:
        for connector in children_of(first)[:1]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(connector, signal.SIGTERM)
            return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(bwrap, signal.SIGTERM)


def _told_by_bwrap(code: int) -> int:
    """Bubblewrap exits with 128 + n when signal n has ended the program; connectors exit so with 130, 143."""
    signum = code - 128
    own = (128 + signal.SIGINT, 128 + signal.SIGTERM)
    return -signum if signum in signal.valid_signals() and code not in own else code


def _doors(command: Command) -> tuple[int, ...]:
    return () if command.cgroup is None else (command.cgroup,)


def _launched(command: Command, report: int) -> list[str]:
    bounds = {"parent": os.getpid(), "report": report, **command.limits}
    if command.cgroup is not None:
        bounds["cgroup"] = command.cgroup
    text = ",".join(f"{name}={number}" for name, number in bounds.items())
    return [sys.executable, "-I", "-S", str(_LAUNCHER), text, *command.argv]
