"""Installed connectors: one virtual environment for each version and lock, complete or not there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.versions import Spec, newest
from dativo.home import make_private, open_private
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "dativo.json"
SHOWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Installed:
    """A connector in an environment of its own.

    Attributes:
        executable: path of the console script.
        lock: SHA-256 of the lock that it was installed from.
    """

    name: str
    version: str
    distribution: str
    executable: str
    lock: str
    requirement: str
    at: str

    @property
    def prefix(self) -> Path:
        return Path(self.executable).parent.parent

    @property
    def whole(self) -> bool:
        """Whether it can start: environments die when their Python or their directory moves."""
        python = self.prefix / "bin" / "python"
        return python.exists() and os.access(self.executable, os.X_OK)


class Venvs:
    """The environments below a directory, `NAME/VERSION-LOCK8`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __iter__(self) -> Iterator[Installed]:
        for manifest in sorted(self._root.glob(f"*/*/{MANIFEST}")):
            if found := _read(manifest):
                yield found

    def directory(self, name: str, version: str, lock: str) -> Path:
        return self._root / name / f"{version}-{lock[:SHOWN_DIGITS]}"

    def get(self, name: str, version: str, lock: str) -> Installed | None:
        return _read(self.directory(name, version, lock) / MANIFEST)

    def find(self, spec: Spec) -> Installed | None:
        """The newest version that the spec allows; of one version, the one installed last."""
        found = [
            installed
            for manifest in (self._root / spec.name).glob(f"*/{MANIFEST}")
            if (installed := _read(manifest)) and spec.allows(installed.version)
        ]
        version = newest(each.version for each in found)
        return max(
            (each for each in found if each.version == version), key=lambda each: each.at, default=None
        )

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Two installations of one connector come one after the other."""
        directory = make_private(self._root / name)
        with os.fdopen(open_private(directory / "lock", os.O_RDWR | os.O_CREAT), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def begin(self, name: str, version: str, lock: str) -> Path:
        """Path for a new environment; what a killed installation has left there is removed."""
        directory = self.directory(name, version, lock)
        shutil.rmtree(directory, ignore_errors=True)
        make_private(directory.parent)
        return directory

    def complete(self, installed: Installed) -> None:
        """Makes an environment count: the manifest is written last, and whole."""
        path = installed.prefix / MANIFEST
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(installed)), encoding="utf-8")
        fresh.replace(path)

    def remove(self, installed: Installed) -> None:
        """Takes an environment away; its manifest first, so that it never counts half."""
        (installed.prefix / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(installed.prefix)


def _read(manifest: Path) -> Installed | None:
    try:
        return Installed(**json.loads(manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
