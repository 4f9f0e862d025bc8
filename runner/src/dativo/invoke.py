"""Asking a connector something that it answers on stdout: its version, its settings, its catalog."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import TYPE_CHECKING

from dativo.errors import ConnectorError
from dativo.lines import LineSplitter
from dativo.pipeline import LOG_LINE_BYTES, TICK_SECONDS
from dativo.process import Child, Command

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_BYTES = 256 << 20
_GRACE_SECONDS = 5.0


def ask(command: Command, log: Callable[[bytes], None], *, seconds: float) -> str:
    """Runs a connector that ends by itself and returns what it wrote on stdout.

    Args:
        command: what to run.
        log: is given every line of stderr.
        seconds: how long it may take.

    Raises:
        ConnectorError: it does not start, takes too long, answers too much, or does not exit with 0.
    """
    child = Child(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        answer = _listen(child, log, time.monotonic() + seconds)
        if child.returncode != 0:
            raise ConnectorError(f"`{_shown(command)}` {describe_exit(child.returncode)}")
        return answer.decode()
    except TimeoutError as error:
        raise ConnectorError(f"`{_shown(command)}` did not answer within {seconds:g} s") from error
    except UnicodeDecodeError as error:
        raise ConnectorError(f"`{_shown(command)}` answered with something that is not UTF-8") from error
    finally:
        child.close()
        if not child.has_ended():
            child.end(_GRACE_SECONDS)


def describe_exit(returncode: int | None) -> str:
    """`exited with code 1` or `was ended by signal 9 (SIGKILL)`."""
    import signal

    if returncode is None or returncode >= 0:
        return f"exited with code {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def _listen(child: Child, log: Callable[[bytes], None], deadline: float) -> bytes:
    answer = bytearray()
    errors = LineSplitter(LOG_LINE_BYTES, cut=True)
    with selectors.DefaultSelector() as selector:
        for number in (child.stdout, child.stderr):
            os.set_blocking(number, False)
            selector.register(number, selectors.EVENT_READ)
        ended = False
        while not ended:
            if time.monotonic() > deadline:
                raise TimeoutError
            selector.select(TICK_SECONDS)
            ended = child.has_ended()
            # After the end all that was written is in the pipes, so one more round reads everything.
            answer += _read_all(child.stdout)
            if len(answer) > ANSWER_BYTES:
                raise ConnectorError(f"{child.name} answered with more than {ANSWER_BYTES:,} bytes")
            for line in errors.feed(_read_all(child.stderr)):
                log(line)
    if rest := errors.rest():
        log(rest)
    return bytes(answer)


def _read_all(number: int) -> bytes:
    parts = []
    try:
        while part := os.read(number, 64 << 10):
            parts.append(part)
    except BlockingIOError:
        pass
    return b"".join(parts)


def _shown(command: Command) -> str:
    """The command without the private paths of its files."""
    flags = [argument for argument in command.argv[1:] if argument.startswith("--")]
    return " ".join([command.name, *flags])
