"""The pipes between connectors, as the runner holds them: it never reads them, but decides when they end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

PIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PipeFill:
    """How full a pipe is: full means that its reader is the slower side, empty that its writer is.

    Attributes:
        share: from 0 to 1.
    """

    writer: str
    reader: str
    share: float


class End:
    """One end of a pipe; closing twice is harmless."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.open = True

    def close(self) -> None:
        if self.open:
            self.open = False
            os.close(self.number)


@dataclass(frozen=True, slots=True)
class Pipe:
    """Both ends.

    Closing the last write end is a promise: the reader takes it for "this is all".
    """

    reading: End
    writing: End

    def share_filled(self) -> float:
        """How much of it is waiting to be read; asked of the write end, which leaves every byte in place."""
        waiting = fcntl.ioctl(self.writing.number, termios.FIONREAD, b"\0\0\0\0")
        size = fcntl.fcntl(self.writing.number, fcntl.F_GETPIPE_SZ)
        return float(struct.unpack("i", waiting)[0] / size)


@contextlib.contextmanager
def new_pipe() -> Iterator[Pipe]:
    """A pipe, both ends closed afterwards."""
    reading, writing = map(End, os.pipe())
    try:
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # A user near the system's limit on pipe memory is refused; the default size works, only slower.
            with contextlib.suppress(OSError):
                fcntl.fcntl(writing.number, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        yield Pipe(reading, writing)
    finally:
        reading.close()
        writing.close()
