"""Executables as black boxes: bytes in, exit code, bytes and log lines out."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from dativo_protocol.pipes import write_all

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

_UNWANTED = ("SINGER_SDK_LOG_CONFIG", "LOGLEVEL", "LOGGING_CONF_FILE", "PYTHONUNBUFFERED")
"""Variables that would change what is being judged."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended.

    Attributes:
        code: exit code; negative if a signal killed it.
        stdout: all of it.
        stderr: all of it.
    """

    code: int
    stdout: bytes
    stderr: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines: the messages of a tap, the states of a target.

        Raises:
            ValueError: a line is not JSON, or the last one is torn.
        """
        if self.stdout and not self.stdout.endswith(b"\n"):
            raise ValueError(f"the last line is torn: {self.stdout[-200:]!r}")
        return [json.loads(line) for line in self.stdout.splitlines()]

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type, "RECORD" for instance."""
        return [message for message in self.lines if message["type"] == kind]


class Running:
    """A process under way; a context manager that kills what is left of it."""

    def __init__(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
        self._process = process
        self._stderr = stderr
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._stderr.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def read_line(self, seconds: float = 60.0) -> bytes:
        """Read one line of its standard output; it will be part of the outcome too.

        Raises:
            TimeoutError: none comes within `seconds`.
        """
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise TimeoutError(f"no line within {seconds:g} s; logged so far:\n{self.stderr()}")
        line: bytes = self._process.stdout.readline()
        self._read += line
        return line

    def read_until(self, text: bytes) -> None:
        """Read lines until one contains `text`.

        Raises:
            EOFError: none does.
        """
        while text not in (line := self.read_line()):
            if not line:
                raise EOFError(f"no line contains {text!r}; logged so far:\n{self.stderr()}")

    def stop_reading(self) -> None:
        """Close our end of its standard output."""
        assert self._process.stdout is not None
        self._process.stdout.close()

    def send(self, data: bytes) -> None:
        """Write to its standard input, which stays open."""
        assert self._process.stdin is not None
        write_all(self._process.stdin.fileno(), data)

    @property
    def unread(self) -> int:
        """Bytes that were sent and that the process has not taken yet."""
        assert self._process.stdin is not None
        return int.from_bytes(
            fcntl.ioctl(self._process.stdin.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder
        )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stderr(self) -> str:
        """What it has logged so far."""
        # by position: the process writes through the same file offset
        descriptor = self._stderr.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()

    def wait_for(self, condition: Callable[[str], bool], timeout: float = 30) -> None:
        """Wait until its log satisfies a condition.

        Raises:
            TimeoutError: it did not in time; says what was logged.
        """
        deadline = time.monotonic() + timeout
        while not condition(self.stderr()):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(f"waited in vain; logged so far:\n{self.stderr()}")
            time.sleep(0.02)

    def wait(self, timeout: float = 60) -> int:
        """Wait for its end without touching its pipes; returns the exit code.

        Raises:
            subprocess.TimeoutExpired: it does not end in time.
        """
        return self._process.wait(timeout)

    def finish(self, timeout: float = 60, *, data: bytes | None = None) -> Outcome:
        """Send the last of its input, close it and wait for the end.

        Raises:
            subprocess.TimeoutExpired: it does not end in time.
        """
        stdout, _ = self._process.communicate(data, timeout=timeout)
        return Outcome(self._process.returncode, self._read + (stdout or b""), self.stderr())


def run(
    command: Sequence[str | Path],
    *,
    stdin: bytes | Path = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 60,
) -> Outcome:
    """Run an executable to its end.

    Args:
        command: the executable and its arguments.
        stdin: what it reads, or the file that holds it.
        env: variables to add to the environment.
        cwd: directory to run it in.
        timeout: seconds until it is killed.

    Raises:
        subprocess.TimeoutExpired: it did not end in time.
    """
    if isinstance(stdin, Path):
        with stdin.open("rb") as file, start(command, env=env, cwd=cwd, stdin=file) as process:
            return process.finish(timeout)
    with start(command, env=env, cwd=cwd) as process:
        return process.finish(timeout, data=stdin)


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] = subprocess.PIPE,
    stdout: int | IO[bytes] = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
) -> Running:
    """Start an executable, to be fed, signalled and read while it runs. Arguments as for `run`.

    Args:
        pass_fds: descriptors that it inherits beside the standard streams.
    """
    stderr = TemporaryFile()  # noqa: SIM115 -- closed by Running; a pipe could fill up and stall the process
    process = subprocess.Popen(
        command,
        bufsize=0,  # what is read line by line must not be read ahead
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=_environment(env),
        cwd=cwd,
        pass_fds=pass_fds,
    )
    return Running(process, stderr)


def _environment(added: Mapping[str, str] | None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    return clean | dict(added or {})
