"""Names and flushes on a local disk: giving a file a name that must be free, and making that survive."""

from __future__ import annotations

import errno
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SYNC_THREADS = 8
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def link(staged: Path, target: Path) -> None:
    """Give a file a second name that must be free; a rename would silently take a name that is not.

    Where there are no hard links the file loses its first name, and whoever calls has to keep others from
    taking the second one meanwhile.

    Raises:
        FileExistsError: the name is taken.
        OSError: the system refuses.
    """
    try:
        os.link(staged, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        staged.rename(target)


def make_directories(directories: Iterable[Path]) -> set[Path]:
    """Make directories and their parents; returns every directory that got a new entry or is new."""
    changed: set[Path] = set()
    for directory in directories:
        missing = list(itertools.takewhile(lambda path: not path.exists(), (directory, *directory.parents)))
        directory.mkdir(parents=True, exist_ok=True)
        changed.update(path.parent for path in missing)
        changed.update(missing)
    return changed


def sync_all(paths: Iterable[Path]) -> None:
    """Flush files or directories; several at once, because one turn of the disk's journal does for all."""
    with ThreadPoolExecutor(_SYNC_THREADS) as threads:
        list(threads.map(sync, paths))


def sync(path: Path) -> None:
    """Flush one file or directory."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems do not flush directories, and need not
            raise
    finally:
        os.close(fd)


def files_below(directory: Path) -> list[Path]:
    """List all files below a directory; none if it is missing.

    Raises:
        OSError: a directory cannot be read: its files must not be taken for missing.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    walk = os.walk(directory, onerror=refuse)
    return [Path(where, name) for where, _, names in walk for name in names]


def write_whole(path: Path, data: bytes) -> None:
    """Write a new file and flush it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with memoryview(data) as view:
            written = 0
            while written < len(view):
                written += os.write(fd, view[written:])
        os.fsync(fd)
    finally:
        os.close(fd)
