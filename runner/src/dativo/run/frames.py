"""Objects of the runner through a pipe between two of its own processes, one after the other."""

from __future__ import annotations

import os
import pickle
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = struct.Struct(">I")


def write_frame(number: int, thing: Any) -> None:
    """Writes all of it; raises BrokenPipeError when nobody reads any more."""
    content = pickle.dumps(thing)
    left = memoryview(_HEAD.pack(len(content)) + content)
    while left:
        left = left[os.write(number, left) :]


class FrameReader:
    """Takes bytes as they come and gives what they hold.

    What is read is trusted as the code is: it comes from a process of the runner alone.
    """

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        self._data += data
        while len(self._data) >= _HEAD.size:
            end = _HEAD.size + _HEAD.unpack_from(self._data)[0]
            if len(self._data) < end:
                return
            content = bytes(self._data[_HEAD.size : end])
            del self._data[:end]
            yield pickle.loads(content)  # noqa: S301
