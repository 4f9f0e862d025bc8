"""Letting the disk begin early with what will be flushed, by `sync_file_range`.

A flush at the end of a run finds nearly everything written then, and the run waits for little. Python has no
call for it; systems other than Linux do without. It makes nothing durable: errors are for the flush to tell.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE_FILE = (0, 0)
_WRITE = 2


def begin_flush(fd: int) -> None:
    """Begin to write what the file has in memory to the disk, and wait for none of it."""
    call = _sync_file_range()
    if call is not None:
        call(fd, *_WHOLE_FILE, _WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    call = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if call is not None:
        call.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return call
