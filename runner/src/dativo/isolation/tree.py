"""Processes as Linux shows them in /proc: who came from whom, and an end for all of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PR_SET_CHILD_SUBREAPER = 36
_ROUND_SECONDS = 0.01
_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Process:
    """A line of /proc/PID/stat.

    Attributes:
        started: clock ticks since boot; with the number it tells a process from a later one of that number.
        cpu: seconds that it has used.
        cpu_of_ended: seconds that its children had used which it has seen the end of.
    """

    pid: int
    state: str
    group: int
    session: int
    cpu: float
    cpu_of_ended: float
    started: int

    @property
    def is_zombie(self) -> bool:
        return self.state == "Z"


def adopt_orphans() -> None:
    """Makes this process the parent of all that its descendants leave behind, so that none gets away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def look_up(pid: int) -> Process | None:
    """The process, None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the name in parentheses, which may hold anything.
    state, _, group, session, *rest = text.rpartition(")")[2].split()
    user, system, ended_user, ended_system = (int(ticks) for ticks in rest[7:11])
    return Process(
        pid,
        state,
        int(group),
        int(session),
        (user + system) / _ticks(),
        (ended_user + ended_system) / _ticks(),
        int(rest[15]),
    )


def children_of(pid: int) -> list[int]:
    """Numbers of its children, those of all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  (names, not paths; called often)
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    return found


def tree_of(pid: int) -> list[int]:
    """The process and all that descends from it."""
    found = [pid]
    for each in found:
        found += children_of(each)
    return found


def end_all(find: Callable[[], Iterable[int]]) -> None:
    """Kills what `find` finds until it finds nothing: what is forked meanwhile is met in the next round."""
    for _ in range(_ROUNDS):
        left = [process for process in map(look_up, find()) if process and not process.is_zombie]
        if not left:
            return
        for process in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(_ROUND_SECONDS)


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")
