"""From a name in a job to a program on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dativo.connectors.versions import Spec, parse_spec
from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.connectors.entry import Connector, Kind
    from dativo.connectors.registry import Entry, Registry
    from dativo.connectors.venvs import Installed
    from dativo.home import Home

Origin = Literal["lock", "beside", "path", "custom"]


@dataclass(frozen=True, slots=True)
class Program:
    """A connector that is installed here.

    Attributes:
        version: what is installed, as far as that is known without starting it.
        prefix: its virtual environment, if it has one of its own.
        fingerprint: `lock:` and the SHA-256 of its lock; empty where there is none.
        origin: installed by `dativo install`, beside `dativo`, found on PATH, or given as a path.
    """

    connector: Connector
    executable: Path
    version: str | None = None
    prefix: Path | None = None
    fingerprint: str = ""
    origin: Origin = "path"
    entry: Entry | None = None

    @property
    def name(self) -> str:
        return self.connector.name


def resolve(
    text: str, kind: Kind, registry: Registry, home: Home | None = None, locks: Path | None = None
) -> Program:
    """The program that `NAME` or `NAME@VERSION` means; raises LookupError with the command to type.

    With a version: the newest locked or installed one that begins with it. Without: what the project has
    locked. Else, if the registry's version will do, what is beside `dativo` or on PATH.

    Args:
        text: as jobs write it.
        kind: what is needed.
        registry: where its entry is.
        home: where installed connectors are; None if there are none.
        locks: directory of the project's locks; left out, `connectors.lock` beside the home.
    """
    spec = parse_spec(text)
    entry = registry.look_up(spec.name, kind)
    installed = _installed(spec, home, locks)
    if installed is not None:
        return Program(
            entry.connector,
            Path(installed.executable),
            installed.version,
            installed.prefix,
            f"lock:{installed.lock}",
            "lock",
            entry,
        )
    if spec.allows(entry.connector.version):
        return find_program(entry)
    raise LookupError(
        f"{spec} is not installed, {spec.name} is here in version {entry.connector.version}: "
        f"dativo install {spec}"
    )


def find_program(entry: Entry) -> Program:
    """Finds the executable of a registry entry; raises LookupError with what to install.

    A name is looked for beside the running Python first, so that the connectors of one virtual environment
    belong together whatever PATH says, then on PATH. A path is relative to the registry file that gives it.
    """
    connector = entry.connector
    wanted = connector.executable
    beside = Path(sys.executable).parent
    origin: Origin
    if os.sep in wanted:
        searched = str(entry.file.parent / wanted)
        found, origin = shutil.which(searched), "custom"
    elif found := shutil.which(wanted, path=str(beside)):
        origin = "beside"
    else:
        found, origin, searched = shutil.which(wanted), "path", f"{beside} and PATH"
    if found is None:
        how = (
            f"install the package {connector.distribution} (dativo install {connector.name})"
            if origin == "path"
            else f"put it there, install the package {connector.distribution}, or correct the entry"
        )
        raise LookupError(
            f"{connector.name} is in the registry, but its executable {wanted!r} is not installed "
            f"(looked in {searched}): {how}"
        )
    return Program(connector, Path(found).absolute(), connector.version, origin=origin, entry=entry)


def _installed(spec: Spec, home: Home | None, locks: Path | None) -> Installed | None:
    """The environment that a spec means; raises LookupError if there should be one and it is not whole."""
    if home is None:
        return None
    directory = locks or home.root.parent / "connectors.lock"
    if not (home.venvs / spec.name).is_dir() and not directory.is_dir():
        return None  # the usual case of a project that installs nothing: nothing to import or read
    from dativo.connectors.lockfile import Locks
    from dativo.connectors.venvs import Venvs

    venvs = Venvs(home.venvs)
    lock = Locks(directory).find(spec)
    if lock is not None:
        found = venvs.get(lock.head.name, lock.head.version, lock.digest)
        exact = Spec(lock.head.name, lock.head.version)
    else:
        found, exact = (venvs.find(spec), spec) if spec.version else (None, spec)
    if found is None and lock is None:
        return None
    if found is None or not found.whole:
        what = (
            "locked but not installed here" if found is None else "installed, but its environment is broken"
        )
        raise LookupError(f"{exact} is {what}: dativo install {exact}")
    return found
