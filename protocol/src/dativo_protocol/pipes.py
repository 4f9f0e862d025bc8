"""Bytes into a pipe: all of them, in large portions, until nobody reads any more."""

from __future__ import annotations

import os

from dativo_protocol.errors import DownstreamClosed

PIPE_BYTES = 1 << 20
"""Buffer asked for a pipe: above the usual 64 KiB both sides are switched to less often."""


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`, waiting where the descriptor does not block.

    Raises:
        DownstreamClosed: nobody reads any more.
    """
    written = 0
    with memoryview(data) as view:  # released in any case: an encoder's buffer cannot be freed before
        while written < len(view):
            try:
                written += os.write(fd, view[written:])
            except BrokenPipeError as error:
                raise DownstreamClosed from error
            except BlockingIOError:
                import select

                select.select([], [fd], [])


def widen_pipe(fd: int) -> None:
    """Ask for a large buffer if `fd` is a pipe, where the system offers that."""
    try:
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return  # no pipe, no Linux, or above the user's allowance: the pipe stays as it is
