"""Who has a lock file open, and their end: connectors of a killed runner can still hold it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import StateBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 10.0
_TURN_SECONDS = 0.05


def release(path: Path, what: str, *, force: bool) -> list[str]:
    """Says which processes hold a lock file; with `force` they are told to stop, and killed if they do not.

    Raises:
        StateBusy: it is still held afterwards.
    """
    holders = dict(_holders(path))
    if not holders:
        return [f"{what} is held by nobody"]
    lines = [f"{what} is held by pid {pid}: {command}" for pid, command in holders.items()]
    if not force:
        return [*lines, "say --yes to end them"]
    for signum in (signal.SIGTERM, signal.SIGKILL):
        for pid in dict(_holders(path)):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
        if _all_gone(path):
            return [*lines, "they have ended"]
    raise StateBusy(f"{what} is still held: {', '.join(map(str, dict(_holders(path))))} do not end")


def _all_gone(path: Path) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while dict(_holders(path)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_TURN_SECONDS)
    return True


def _holders(path: Path) -> Iterator[tuple[int, str]]:
    """Process id and command of every other process that has the file open, as far as we may see."""
    try:
        wanted = path.stat()
    except FileNotFoundError:
        return
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        with suppress(OSError):
            if any(_is(fd, wanted) for fd in (process / "fd").iterdir()):
                yield int(process.name), (process / "comm").read_text().strip()


def _is(fd: Path, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(fd.stat(), wanted)
    except OSError:
        return False
