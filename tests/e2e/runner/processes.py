"""Processes of a job, found and ended as the kernel shows them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60.0
"""Seconds after which something that has to happen counts as not happening."""


def below(pid: int) -> Iterator[int]:
    """Every process that one has started, and that those have."""
    for child in _children(pid):
        yield child
        yield from below(child)


def _children(pid: int) -> list[int]:
    """Those of all its threads; none of one that ends at this moment."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for children in list(Path(f"/proc/{pid}/task").glob("*/children")):
            found += map(int, children.read_text().split())
    return found


def command_line(pid: int) -> str:
    """Its arguments; empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def working_in(directory: Path) -> list[str]:
    """Command lines of the processes whose working directory lies in this one."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink().is_relative_to(directory):
                found.append(command_line(int(process.name)))
        except OSError:
            continue
    return found


def kill(pid: int) -> bool:
    """Kill it; whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for it; a failure says what did not happen."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.005)
