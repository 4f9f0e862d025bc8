"""Staging areas of runs, each owned by a living process or free to be removed.

```
<runs>/<run>.lock     held with flock(2) while the run lives; tells who it is
<runs>/<run>/         its files
```

The kernel drops the lock when the process ends, however it ends, so neither reused process ids nor a
reboot can make a dead run look alive. A lock held by a process on another machine is not visible on
every network file system; the area of another machine is therefore removed only when a week old.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

FOREIGN_AGE_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class RunArea:
    """The staging area of a living run: this one."""

    directory: Path
    _lock: Path
    _lock_fd: int

    @classmethod
    def claim(cls, runs: Path, run: str) -> RunArea:
        """Make and own the area of a new run.

        Raises:
            OSError: it cannot be made.
        """
        runs.mkdir(parents=True, exist_ok=True)
        lock = runs / f"{run}.lock"
        fd = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # without locks nobody can own the area, and so nobody removes it
            fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, _owner() + b"\n")
        area = runs / run
        area.mkdir()
        return cls(area, lock, fd)

    def release(self, *, keep: bool = False) -> None:
        """Remove the area and everything in it; what cannot be removed is left to the next run.

        Args:
            keep: leave everything, as if this process had been killed.
        """
        if not keep:
            import shutil

            shutil.rmtree(self.directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            if not self.directory.exists():
                self._lock.unlink()
        os.close(self._lock_fd)


def _owner() -> bytes:
    return json.dumps({"host": os.uname().nodename, "pid": os.getpid()}).encode()


def remove_abandoned(runs: Path, salvage: Callable[[Path], None], is_needed: Callable[[Path], bool]) -> None:
    """Remove the areas whose owners are dead; what cannot be removed is named in the log and left.

    Args:
        runs: directory of the areas.
        salvage: called with each such area before it is removed.
        is_needed: whether an area has to stay although its owner is dead; asked once it is known to be.
    """
    for lock in sorted(runs.glob("*.lock")):
        try:
            fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # its owner has just finished, or is another user
            continue
        try:
            if _is_abandoned(fd, lock):
                _remove(lock, salvage, is_needed)
        except OSError as problem:
            logger.warning("cannot remove what the ended run %s left behind: %s", lock.stem, problem)
        finally:
            os.close(fd)


def _is_abandoned(fd: int, lock: Path) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    owner = os.pread(fd, 4096, 0)
    if owner.endswith(b"\n") and json.loads(owner)["host"] == os.uname().nodename:
        return True
    # Of another machine, or caught between making the file and locking it.
    return time.time() - _last_written(fd, lock.with_suffix("")) > FOREIGN_AGE_SECONDS


def _remove(lock: Path, salvage: Callable[[Path], None], is_needed: Callable[[Path], bool]) -> None:
    import shutil

    area = lock.with_suffix("")
    if area.exists():
        salvage(area)
        if is_needed(area):
            return
        shutil.rmtree(area)
    lock.unlink(missing_ok=True)
    logger.info("removed what the ended run %s left behind", lock.stem)


def _last_written(fd: int, area: Path) -> float:
    times = [os.fstat(fd).st_mtime]
    times += [path.stat().st_mtime for path in (area, *area.rglob("*")) if path.exists()]
    return max(times)
