"""One owner at a time, by a lock of the operating system: it ends with the last process that has it open."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import StateConflict, StateError
from dativo.home import make_private, open_private
from dativo.records import dataclass
from dativo.state.owner import busy
from dativo.state.store import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

TURN_SECONDS = 0.1
_LONGEST_OWNER = 4096
_LONGEST_STOP = 30.0


@dataclass(frozen=True, slots=True)
class LocalHeld:
    """The hold on a lock file."""

    fd: int
    path: Path

    def alive(self) -> None:
        """Raises StateConflict if the lock file is another by now: who opens it does not meet this hold."""
        if not _is_same(self.fd, self.path):
            raise StateConflict(f"{self.path}: somebody has removed the lock of this run")


@contextmanager
def file_lock(path: Path, what: str, owner: Owner, wait: float) -> Iterator[LocalHeld]:
    """Holds a file.

    Args:
        what: the key, for the message that it is held.
        owner: written into the file for others to read.
        wait: seconds to wait for another owner; 0 to refuse at once.

    Raises:
        StateBusy: another owner holds it.
        StateError: it cannot be locked here.
    """
    try:
        handle = _locked(path, what, wait)
    except OSError as error:
        raise StateError(f"{path}: the state cannot be locked: {error.strerror}") from error
    try:
        try:
            _introduce(handle, owner)
        except OSError as error:
            raise StateError(f"{path}: the state cannot be locked: {error.strerror}") from error
        yield LocalHeld(handle, path)
    finally:
        os.close(handle)


def owner_of(path: Path) -> Owner | None:
    """Who has written itself into a lock file; the lock may have ended since."""
    with suppress(OSError, ValueError, TypeError):
        return Owner(**json.loads(path.read_bytes()))
    return None


def _locked(path: Path, what: str, wait: float) -> int:
    make_private(path.parent)
    began = time.monotonic()
    while True:
        handle = open_private(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            owner = owner_of(path)
            patience = max(wait, _LONGEST_STOP) if owner and _has_died(owner) else wait
            if time.monotonic() - began >= patience:
                raise busy(what, owner) from error
            time.sleep(TURN_SECONDS)
            continue
        except BaseException:
            os.close(handle)
            raise
        if _is_same(handle, path):
            return _proven(handle, path)
        os.close(handle)


def _has_died(owner: Owner) -> bool:
    """Whether only connectors of a runner that was killed hold the lock still: they are told to stop."""
    return owner.host == os.uname().nodename and not Path(f"/proc/{owner.pid}").exists()


def _is_same(handle: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False


def _proven(handle: int, path: Path) -> int:
    """Some network file systems grant a lock to everybody: then there is none."""
    second = open_private(path, os.O_RDWR)
    try:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return handle
    finally:
        os.close(second)
    os.close(handle)
    raise StateError(
        f"{path}: this file system does not keep locks; put the state on a local disk or into a database"
    )


def _introduce(handle: int, owner: Owner) -> None:
    text = json.dumps(asdict(owner)).encode()[:_LONGEST_OWNER]
    os.ftruncate(handle, 0)
    os.pwrite(handle, text + b"\n", 0)
