"""What `dativo install` is asked for: a name of the registry or of an index, a directory, a wheel."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dativo.connectors.packages import choose_script, scripts_in_wheel, wheel_identity
from dativo.connectors.versions import Spec, parse_spec
from dativo.errors import InstallError
from dativo.home import make_private
from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.connectors.entry import Connector
    from dativo.connectors.installers import Installer
    from dativo.connectors.registry import Registry
    from dativo.home import Home

_RELEASE = re.compile(r"\d+(\.\d+)*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One connector to install.

    Attributes:
        spec: name, and version as far as one was asked for.
        requirement: for the installer.
        scripts: names that its program may have, best first.
        entry: what the registry says of it.
        given: the directory or the wheel that it is taken from, None for a package of the index.
    """

    spec: Spec
    distribution: str
    requirement: str
    scripts: tuple[str, ...]
    entry: Connector | None
    given: Path | None = None


def wanted(text: str, registry: Registry, installer: Installer, home: Home) -> Wanted:
    """Reads one argument of `dativo install`; a directory is built into a wheel.

    Raises:
        InstallError: it is neither.
    """
    if is_path(text):
        return _of_path(Path(text).expanduser(), installer, home)
    try:
        spec = parse_spec(text)
    except LookupError as error:
        raise InstallError(str(error)) from error
    if not _NAME.fullmatch(spec.name):
        raise InstallError(f"{spec.name!r} is no name of a connector")
    entry = registry.get(spec.name)
    if entry is None:
        return Wanted(spec, spec.name, _pinned(spec.name, spec.version), (spec.name,), None)
    connector, beside = entry.connector, entry.file.parent
    if connector.source != "pypi":
        source = connector.requirement or connector.path or connector.distribution
        found = _of_path(beside / source, installer, home)
        if found.spec.version is None or not spec.allows(found.spec.version):
            raise InstallError(
                f"{spec} is wanted, and {source} is version {found.spec.version}: put that version there, or "
                f"dativo install {spec.name} --upgrade"
            )
        names = (connector.executable, connector.name)
        return Wanted(spec, found.distribution, found.requirement, names, connector)
    asked = _pinned(connector.distribution, spec.version)
    if spec.version is None and connector.requirement:
        asked = connector.requirement
    return Wanted(spec, connector.distribution, asked, (connector.executable, connector.name), connector)


def is_path(text: str) -> bool:
    """Whether an argument names a wheel or a directory, not a connector."""
    return text.endswith(".whl") or "/" in text


def wheel_of(requirement: str) -> Path:
    """The file that a requirement `NAME @ file://…` names."""
    return Path(unquote(urlsplit(requirement.partition(" @ ")[2]).path))


def _pinned(distribution: str, version: str | None) -> str:
    if version is None:
        return distribution
    return f"{distribution}=={version}.*" if _RELEASE.fullmatch(version) else f"{distribution}=={version}"


def _of_path(path: Path, installer: Installer, home: Home) -> Wanted:
    if path.is_dir():
        if not ((path / "pyproject.toml").is_file() or (path / "setup.py").is_file()):
            raise InstallError(f"{path} holds no Python project (no pyproject.toml, no setup.py)")
        with tempfile.TemporaryDirectory() as scratch:
            built = _of_wheel(_keep(installer.build(path.resolve(), Path(scratch)), home))
            return replace(built, given=path.resolve())
    if not path.is_file():
        raise InstallError(f"{path} is not there: give a wheel, a directory with a pyproject.toml, or a name")
    return _of_wheel(path.resolve())


def _keep(wheel: Path, home: Home) -> Path:
    """Puts a wheel that was built here where its lock can name it."""
    directory = make_private(home.cache("wheels"))
    return Path(shutil.copy(wheel, directory / wheel.name))


def _of_wheel(wheel: Path) -> Wanted:
    distribution, version = wheel_identity(wheel)
    script = choose_script(distribution, scripts_in_wheel(wheel), (distribution,))
    requirement = f"{distribution} @ {wheel.as_uri()}"
    return Wanted(Spec(script, version), distribution, requirement, (script,), None, wheel)
