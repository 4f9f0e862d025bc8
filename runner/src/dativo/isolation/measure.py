"""What one process uses, as /proc tells it; 0 of a process that has gone or may not be looked at."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_KIB = 1024
_BLOCK_BYTES = 512


def memory_of(pid: int) -> int:
    """Bytes in RAM that no file stands behind; pages that processes share count for each of them."""
    return _KIB * _sum(pid, "status", ("RssAnon", "RssShmem"))


def shared_fairly(pid: int) -> int:
    """The same with shared pages divided among those that share them: slower, and right after a fork."""
    rollup = _KIB * _sum(pid, "smaps_rollup", ("Pss_Anon", "Pss_Shmem"))
    return rollup or memory_of(pid)


def written_by(pid: int) -> int:
    """Bytes that it and its ended children have sent towards a disk."""
    return _sum(pid, "io", ("write_bytes",))


def read_by(pid: int) -> int:
    """Bytes that it and its ended children have read by system calls, from pipes too."""
    return _sum(pid, "io", ("rchar",))


def sent_by(pid: int) -> int:
    """Bytes that it and its ended children have written by system calls, into pipes too."""
    return _sum(pid, "io", ("wchar",))


def disk_usage(directory: Path) -> int:
    """Bytes on disk of everything below a directory."""
    return sum(_blocks(directory)) * _BLOCK_BYTES


def _blocks(directory: Path) -> Iterator[int]:
    waiting = [str(directory)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False).st_blocks
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _sum(pid: int, file: str, names: tuple[str, ...]) -> int:
    """Sum of the named lines `Name: number` of /proc/PID/FILE."""
    try:
        text = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    total = 0
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name in names:
            total += int(rest.split()[0])
    return total
