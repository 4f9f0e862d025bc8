"""Locks: what exactly an installed connector consists of, each file with its hash; they belong into git.

A lock is a requirements file of pip, `connectors.lock/NAME@VERSION.txt` beside `dativo.yaml`, with a head
that says what was asked for. Anyone who has the file installs the same bytes, or nothing. Wheels of the
project itself stand in it by their place below `${project}`, wherever that lies.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.versions import Spec, newest
from dativo.errors import InstallError
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTORY = "connectors.lock"
_HEAD = "# dativo: "
_PROJECT = "file://${project}"
_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?(==(?P<version>[^\s;\\]+)| @ (?P<url>\S+))", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class LockHead:
    """What was asked for when the lock was made.

    Attributes:
        requirement: as given to the installer.
        executable: console script to start.
        platform: set when the lock serves this platform alone.
    """

    name: str
    version: str
    distribution: str
    requirement: str
    executable: str
    python: str
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file."""

    head: LockHead
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides what is installed."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def packages(self) -> int:
        return len(_PINNED.findall(self.text))

    @property
    def file_name(self) -> str:
        return f"{self.head.name}@{self.head.version}.txt"


def pinned_version(requirements: str, distribution: str) -> str | None:
    """The version of a distribution in a text of pinned requirements; from the wheel's name for a file."""
    for match in _PINNED.finditer(requirements):
        if normal(match["name"]) == normal(distribution):
            return match["version"] or Path(match["url"]).name.split("-")[1]
    return None


def normal(distribution: str) -> str:
    """The name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


class Locks:
    """The locks of a project."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __iter__(self) -> Iterator[Lock]:
        for path in sorted(self.directory.glob("*@*.txt")):
            yield read_lock(path)

    def find(self, spec: Spec) -> Lock | None:
        """The newest lock that the spec allows."""
        versions = [
            version
            for path in self.directory.glob(f"{spec.name}@*.txt")
            if spec.allows(version := path.stem.partition("@")[2])
        ]
        best = newest(versions)
        return read_lock(self._path(spec.name, best)) if best else None

    def write(self, lock: Lock) -> Path:
        """Stores a lock, whole or not at all."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self._path(lock.head.name, lock.head.version)
        fresh = path.with_suffix(".new")
        text = f"{_HEAD}{json.dumps(asdict(lock.head))}\n{lock.text}"
        fresh.write_text(text.replace(f"{_project(path)}/", f"{_PROJECT}/"), encoding="utf-8")
        fresh.replace(path)
        return path

    def remove(self, name: str, version: str) -> None:
        self._path(name, version).unlink(missing_ok=True)

    def _path(self, name: str, version: str) -> Path:
        return self.directory / f"{name}@{version}.txt"


def read_lock(path: Path) -> Lock:
    """Reads one lock; raises InstallError if it is none."""
    try:
        whole = path.read_text(encoding="utf-8").replace(_PROJECT, _project(path))
        first, _, text = whole.partition("\n")
        head = LockHead(**json.loads(first.removeprefix(_HEAD)))
    except (OSError, ValueError, TypeError) as error:
        raise InstallError(
            f"{path} is no lock of dativo: put it back from git, or remove it ({error})"
        ) from error
    return Lock(head, text)


def _project(lock: Path) -> str:
    """URL of the project that a lock belongs to."""
    return lock.absolute().parent.parent.resolve().as_uri()
