"""Asking a connector something that it answers on stdout: its version, its settings, its catalog."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from dativo.errors import ConnectorError
from dativo.run.lines import LineSplitter
from dativo.run.loop import LOG_LINE_BYTES, TICK_SECONDS
from dativo.run.process import Child, Command
from dativo.secrets.redact import everywhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Answering(Protocol):
        """A connector that was asked something."""

        @property
        def name(self) -> str:
            """Its name, for messages."""

        @property
        def returncode(self) -> int | None:
            """Exit code, negative for the signal that ended it, None while it runs."""

        def answer(self, meanwhile: Callable[[], None] = ...) -> str:
            """See `Question.answer`."""


ANSWER_BYTES = 256 << 20
PRIVATE_FLAGS = {"--config", "--state", "--catalog"}
_GRACE_SECONDS = 5.0
_CLOSED_SECONDS = 0.02


def nothing() -> None:
    """Done while nothing else is to be done."""


class Question:
    """A connector that is asked something, which it answers on stdout before it ends by itself.

    It is started at once; whoever asks may do other things before the answer. To be closed afterwards.

    Args:
        command: what to run.
        log: is given every line of stderr.
        seconds: how long it may take.
        stdin: descriptor of what it reads; left out, nothing.

    Raises:
        ConnectorError: it does not start.
    """

    def __init__(
        self,
        command: Command,
        log: Callable[[bytes], None],
        *,
        seconds: float,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.name = command.name
        self._command = command
        self._log = log
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._child = Child(command, stdin=stdin, stdout=subprocess.PIPE)

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for the signal that ended it, None while it runs."""
        return self._child.returncode

    def answer(self, meanwhile: Callable[[], None] = nothing) -> str:
        """What it wrote on stdout.

        Args:
            meanwhile: is called at least every `loop.TICK_SECONDS`; what it raises ends the wait.

        Raises:
            ConnectorError: it takes too long, answers too much, or does not exit with 0.
        """
        child, asked = self._child, _shown(self._command)
        try:
            child.confirm()
            answer = _listen(child, self._log, self._deadline, meanwhile)
            if child.returncode != 0:
                raise ConnectorError(f"`{asked}` {describe_exit(child.returncode)}")
            return answer.decode()
        except TimeoutError as error:
            raise ConnectorError(f"`{asked}` did not answer within {self._seconds:g} s") from error
        except UnicodeDecodeError as error:
            raise ConnectorError(f"`{asked}` answered with something that is not UTF-8") from error

    def close(self) -> None:
        """Ends it, if it has not ended yet."""
        self._child.close()
        if not self._child.has_ended():
            self._child.end(_GRACE_SECONDS)


def ask(command: Command, log: Callable[[bytes], None], *, seconds: float) -> str:
    """Runs a connector that ends by itself and returns what it wrote on stdout; see `Question`."""
    with contextlib.closing(Question(command, log, seconds=seconds)) as question:
        return question.answer()


def describe_exit(returncode: int | None) -> str:
    """`exited with code 1` or `was ended by signal 9 (SIGKILL)`."""
    if returncode is None or returncode >= 0:
        return f"exited with code {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def _listen(
    child: Child, log: Callable[[bytes], None], deadline: float, meanwhile: Callable[[], None]
) -> bytes:
    answer = _Answer(child.name)
    errors = LineSplitter(LOG_LINE_BYTES, cut=True, safe_cut=everywhere().safe_cut)
    with selectors.DefaultSelector() as selector:
        for number, take in ((child.stdout, answer.add), (child.stderr, _line_by_line(errors, log))):
            os.set_blocking(number, False)
            selector.register(number, selectors.EVENT_READ, take)
        ended = False
        while not ended:
            if time.monotonic() > deadline:
                raise TimeoutError
            meanwhile()
            _wait(selector)
            ended = child.has_ended()
            # After the end all that was written is in the pipes, so one more round reads everything.
            for key in list(selector.get_map().values()):
                if not read_all(key):
                    selector.unregister(key.fd)
    if rest := errors.rest():
        log(rest)
    return bytes(answer.content)


class _Answer:
    """Collects stdout up to what is sensible."""

    def __init__(self, name: str) -> None:
        self.content = bytearray()
        self._name = name

    def add(self, data: bytes) -> None:
        self.content += data
        if len(self.content) > ANSWER_BYTES:
            raise ConnectorError(f"{self._name} answered with more than {ANSWER_BYTES:,} bytes")


def _line_by_line(splitter: LineSplitter, log: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def take(data: bytes) -> None:
        for line in splitter.feed(data):
            log(line)

    return take


def _wait(selector: selectors.BaseSelector) -> None:
    if selector.get_map():
        selector.select(TICK_SECONDS)
    else:
        time.sleep(_CLOSED_SECONDS)  # it has closed both outputs; only its end is still to come


def read_all(key: selectors.SelectorKey) -> bool:
    """Hands on what is in the pipe; False at its end."""
    try:
        while part := os.read(key.fd, 64 << 10):
            key.data(part)
    except BlockingIOError:
        return True
    return False


def _shown(command: Command) -> str:
    """The command without its private files, and without what shuts it in."""
    own = command.argv[command.argv.index("--") + 1 :] if command.is_shut_in else command.argv
    asked = [flag for flag in own[1:] if flag.startswith("--") and flag not in PRIVATE_FLAGS]
    return " ".join([command.name, *asked])
