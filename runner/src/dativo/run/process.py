"""One connector as a process: in a group of its own, asked to stop, ended with all that it started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dativo.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Command:
    """What to start.

    Attributes:
        name: name of the connector, for labels and messages.
        argv: program and arguments; never a secret.
        directory: working directory.
        environ: the whole environment.
    """

    name: str
    argv: tuple[str, ...]
    directory: Path
    environ: Mapping[str, str] = field(repr=False)


class Child:
    """A started connector.

    Its own process group lets the runner, not the terminal, decide who is told to stop first, and lets it
    end what the connector leaves behind. If the runner itself is killed, the kernel sends the connector
    SIGTERM.
    """

    def __init__(self, command: Command, *, stdin: int, stdout: int) -> None:
        self.name = command.name
        try:
            self._popen = subprocess.Popen(
                command.argv,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                cwd=command.directory,
                env=command.environ,
                process_group=0,
                preexec_fn=_end_with_parent(),  # noqa: PLW1509  (no thread exists yet when connectors start)
            )
        except OSError as error:
            raise ConnectorError(
                f"{command.name} cannot be started: {command.argv[0]}: {error.strerror}"
            ) from error

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
        return self._popen.returncode

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
        if self._popen.returncode is None:
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
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()

    def _signal_group(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signum)


def _end_with_parent() -> Callable[[], None] | None:
    """Runs in the new process before the program: on Linux, SIGTERM to it when the runner dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))

    return ask_kernel
