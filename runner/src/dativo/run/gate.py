"""A target that is started at once, and reads nothing before it is let through its gate.

When it has recovered it says on the first line of its stdout what the destination holds, then it waits for a
byte through a pipe. The end of that pipe, which the death of the runner is too, ends it with nothing loaded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import time
from typing import TYPE_CHECKING

from dativo.errors import ConnectorError
from dativo.run.invoke import describe_exit, nothing, read_all
from dativo.run.loop import STATE_LINE_BYTES, TICK_SECONDS
from dativo.run.pipes import End
from dativo.run.reason import exceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.run.loop import Side
    from dativo.run.process import Command

VARIABLE = "DATIVO_GATE_FD"
CAPABILITY = "recover-gate"


class Gate:
    """The pipe through which a target is told to begin; to be closed, which tells it not to."""

    def __init__(self) -> None:
        self._reading, self._writing = map(End, os.pipe())

    def before(self, command: Command) -> Command:
        """The same command, to wait here."""
        number = self._reading.number
        environ = {**command.environ, VARIABLE: str(number)}
        return dataclasses.replace(command, environ=environ, inherits=(*command.inherits, number))

    def has_begun(self) -> None:
        """The target has the end that it reads; with another one here it would never see the last of it."""
        self._reading.close()

    def open(self) -> None:
        """Lets the target through; if it has ended, that is seen elsewhere."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._writing.number, b"\n")
        self._writing.close()

    def close(self) -> None:
        self._reading.close()
        self._writing.close()


class Gated:
    """A target that says at its gate what the destination holds (`invoke.Answering`).

    Args:
        side: the target, which runs.
        log: is given every line of its stderr.
        seconds: how long it may take.
    """

    def __init__(self, side: Side, log: Callable[[str, bytes], None], seconds: float) -> None:
        self.name = side.name
        self._side = side
        self._log = log
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._said = bytearray()

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for the signal that ended it, None while it runs."""
        return self._side.child.returncode

    def answer(self, meanwhile: Callable[[], None] = nothing) -> str:
        """The first line of its stdout.

        Args:
            meanwhile: is called at least every `loop.TICK_SECONDS`; what it raises ends the wait.

        Raises:
            ConnectorError: it ends instead, takes too long, or says what is no answer.
            LimitExceeded: it logs too much.
        """
        child = self._side.child
        child.confirm()
        with selectors.DefaultSelector() as selector:
            for number, take in ((child.stdout, self._say), (child.stderr, self._logged)):
                os.set_blocking(number, False)
                selector.register(number, selectors.EVENT_READ, take)
            while b"\n" not in self._said:
                if time.monotonic() > self._deadline:
                    raise ConnectorError(f"`{self._asked}` did not answer within {self._seconds:g} s")
                meanwhile()
                self._look(selector)
        return self._answered()

    @property
    def _asked(self) -> str:
        return f"{self.name} --recover"

    def _look(self, selector: selectors.BaseSelector) -> None:
        ready = selector.select(TICK_SECONDS)
        ended = self._side.child.has_ended()
        # After the end all that was written is in the pipes.
        for key in list(selector.get_map().values()) if ended else [key for key, _ in ready]:
            if not read_all(key):
                selector.unregister(key.fd)
        if ended and b"\n" not in self._said:
            self._take_the_rest()
            how = describe_exit(self.returncode)
            raise ConnectorError(f"`{self._asked}` {how}" + ("" if self.returncode else " without an answer"))

    def _answered(self) -> str:
        line, _, more = bytes(self._said).partition(b"\n")
        if more:
            raise ConnectorError(f"{self.name} wrote more than its state before it was let through its gate")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise ConnectorError(f"`{self._asked}` answered with something that is not UTF-8") from error

    def _say(self, data: bytes) -> None:
        self._said += data
        if len(self._said) > STATE_LINE_BYTES:
            raise ConnectorError(f"{self.name} answered with more than {STATE_LINE_BYTES:,} bytes")

    def _logged(self, data: bytes) -> None:
        for line in self._side.logs.feed(data):
            if breach := self._side.logged(line):
                self._side.kill()
                raise exceeded(breach)
            self._log(self.name, line)

    def _take_the_rest(self) -> None:
        if rest := self._side.logs.rest():
            self._log(self.name, rest)
