"""Installing connectors: resolve, lock with hashes, install exactly that into an environment of its own."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.installers import this_platform
from dativo.connectors.lockfile import Lock, LockHead, Locks, normal, pinned_version
from dativo.connectors.packages import choose_script, scripts_in_venv
from dativo.connectors.probe import AboutCache
from dativo.connectors.user_registry import add_entry
from dativo.connectors.venvs import Installed, Venvs
from dativo.connectors.versions import parse_spec
from dativo.connectors.wanted import is_path, wanted, wheel_of
from dativo.errors import ConnectorError, InstallError
from dativo.jobs.editors import put_schema
from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.connectors.installers import Installer
    from dativo.connectors.probe import About
    from dativo.connectors.registry import Registry
    from dativo.connectors.wanted import Wanted
    from dativo.home import Home


@dataclass(frozen=True, slots=True)
class Done:
    """What an installation has come to.

    Attributes:
        seconds: it took; 0 if everything was there.
        listed: the file that the connector was entered into, if the registry did not know it.
        about: what it says of itself.
    """

    installed: Installed
    lock: Lock
    lock_file: Path
    seconds: float
    listed: Path | None
    about: About


class Connectors:
    """The connectors of a project: what is locked and what is installed.

    Args:
        home: environments are made in it.
        directory: of the project; locks and `connectors.yaml` stand there.
    """

    def __init__(self, registry: Registry, home: Home, directory: Path, installer: Installer) -> None:
        self._registry = registry
        self._home = home
        self._directory = directory
        self._installer = installer
        self.locks = Locks(directory / "connectors.lock")
        self.venvs = Venvs(home.venvs)

    def install(self, text: str, *, python: str | None = None, upgrade: bool = False) -> Done:
        """Installs what `text` names; a lock that fits is followed, unless an upgrade is wanted.

        Raises:
            InstallError: it cannot be resolved or installed, or a file is not what the lock says.
            ConnectorError: it is installed and does not answer.
        """
        lock = None if upgrade else self._lock_of(text)
        if lock is not None:
            return self.restore(lock, python=python)
        return self._install(wanted(text, self._registry, self._installer, self._home), None, python)

    def _lock_of(self, text: str) -> Lock | None:
        """The lock of what is named; a path names what lies there now."""
        if is_path(text):
            return None
        try:
            return self.locks.find(parse_spec(text))
        except LookupError as error:
            raise InstallError(str(error)) from error

    def restore(self, lock: Lock, *, python: str | None = None) -> Done:
        """Installs exactly what a lock says."""
        head = lock.head
        want = wanted_by(lock, self._registry)
        entry = self._registry.get(head.name)
        if entry and entry.connector.source == "path" and not wheel_of(want.requirement).is_file():
            # It was built from its sources and is built anew; other bytes are refused by their hash.
            wanted(f"{head.name}@{head.version}", self._registry, self._installer, self._home)
        return self._install(want, lock, python or (head.python or None))

    def _install(self, want: Wanted, lock: Lock | None, python: str | None) -> Done:
        began = time.monotonic()
        text = lock.text if lock else self._installer.lock(want.requirement, python)
        version = lock.head.version if lock else pinned_version(text, want.distribution)
        if version is None:
            raise InstallError(f"{want.requirement}: {want.distribution} is not in what it resolves to")
        name = want.spec.name
        with self.venvs.locked(name):
            draft = Lock(LockHead(name, version, want.distribution, want.requirement, "", python or ""), text)
            found = self.venvs.get(name, version, draft.digest)
            if found is None or not found.whole:
                found = self._make(want, draft, python)
                seconds = time.monotonic() - began
            else:
                seconds = 0.0
        about = self._about(found)
        lock = lock or self._locked(draft, Path(found.executable).name)
        listed = None
        if self._registry.get(name) is None:
            listed = self._listed(found, about, want.given)
        return Done(found, lock, self.locks.write(lock), seconds, listed, about)

    def _listed(self, found: Installed, about: About, given: Path | None) -> Path:
        file = self._directory / "connectors.yaml"
        schema = put_schema(Path(__file__).with_name("registry.schema.json"), self._home, file)
        return add_entry(file, found, about, given, schema)

    def _make(self, want: Wanted, lock: Lock, python: str | None) -> Installed:
        head = lock.head
        directory = self.venvs.begin(head.name, head.version, lock.digest)
        try:
            self._installer.install(lock.text, directory, python)
            script = choose_script(
                want.distribution, scripts_in_venv(directory, want.distribution), want.scripts
            )
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        executable = str(directory / "bin" / script)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        installed = Installed(
            head.name, head.version, want.distribution, executable, lock.digest, head.requirement, now
        )
        self.venvs.complete(installed)
        return installed

    def _locked(self, lock: Lock, executable: str) -> Lock:
        head = lock.head
        platform = None if self._installer.everywhere else this_platform()
        whole = LockHead(
            head.name, head.version, head.distribution, head.requirement, executable, head.python, platform
        )
        return Lock(whole, lock.text)

    def _about(self, installed: Installed) -> About:
        cache = AboutCache(self._home.cache("about"))
        try:
            return cache.about(Path(installed.executable), f"lock:{installed.lock}")
        except ConnectorError:
            self.venvs.remove(installed)
            raise

    def remove(self, name: str, version: str) -> list[Installed]:
        """Takes a version away, with its lock; returns what was installed of it."""
        with self.venvs.locked(name):
            found = [each for each in self.venvs if (each.name, each.version) == (name, version)]
            for each in found:
                self.venvs.remove(each)
            self.locks.remove(name, version)
        return found


def wanted_by(lock: Lock, registry: Registry) -> Wanted:
    """What a lock asks for."""
    from dativo.connectors.versions import Spec
    from dativo.connectors.wanted import Wanted

    head = lock.head
    if head.platform is not None and head.platform != this_platform():
        raise InstallError(
            f"the lock of {head.name} {head.version} was made by pip for {head.platform}, this is "
            f"{this_platform()}: dativo install {head.name}@{head.version} --upgrade, or lock with uv"
        )
    entry = registry.get(head.name)
    spec = Spec(head.name, head.version)
    distribution = normal(head.distribution)
    return Wanted(
        spec, distribution, head.requirement, (head.executable, head.name), entry.connector if entry else None
    )
