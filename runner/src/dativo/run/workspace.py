"""The private directory of one run: configurations with their secrets, catalog, incoming state."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.home import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "dativo-run-"


class Workspace:
    """Files that only the owner of the run can read, gone when the run ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write_json(self, name: str, document: Any) -> Path:
        return self.write_text(name, json.dumps(document, ensure_ascii=False))

    def write_text(self, name: str, text: str) -> Path:
        return self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes) -> Path:
        """A new file of that name; who has an earlier one open keeps it."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return path


@contextmanager
def private_workspace() -> Iterator[Workspace]:
    """A new directory (mode 0700), removed at the end whatever happens.

    A run that was killed cannot tidy up, so the next run removes what such runs left: a directory whose lock
    nobody holds. It lies in XDG_RUNTIME_DIR (memory) where there is one, else in the temporary directory.
    """
    parent = _parent()
    _remove_abandoned(parent)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = os.open(directory / "lock.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Whoever tidies up meanwhile must never see a lock that is not held yet.
        fcntl.flock(lock, fcntl.LOCK_EX)
        (directory / "lock.new").rename(directory / "lock")
        yield Workspace(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _parent() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime)
    return Path(tempfile.gettempdir())


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # somebody else's, or one that is being made or removed at this moment
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if directory.lstat().st_uid == os.getuid():
                shutil.rmtree(directory, ignore_errors=True)
        except OSError:
            continue  # its run is alive
        finally:
            os.close(lock)


@contextmanager
def scratch_directory(directory: Path) -> Iterator[Path]:
    """A directory for the temporary files of a run, which must hold the lock of its job: it is emptied first.

    What is in it was left by a run that was killed.
    """
    _remove(directory)
    try:
        yield make_private(directory)
    finally:
        _remove(directory)


def _remove(directory: Path) -> None:
    try:
        shutil.rmtree(directory, ignore_errors=True)
    except RecursionError:  # a connector has nested directories deeper than Python goes
        subprocess.run(["rm", "-rf", "--", directory], stderr=subprocess.DEVNULL, check=False)
