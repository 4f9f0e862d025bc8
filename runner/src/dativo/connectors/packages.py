"""What a wheel or an installed distribution brings: its name, version and console scripts."""

from __future__ import annotations

import configparser
import zipfile
from email.parser import HeaderParser
from typing import TYPE_CHECKING

from dativo.connectors.lockfile import normal
from dativo.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dativo.connectors.entry import Kind

_ENTRY_POINTS = "entry_points.txt"


def wheel_identity(wheel: Path) -> tuple[str, str]:
    """Distribution and version, from the name of the file; raises InstallError if it is none of a wheel."""
    parts = wheel.name.removesuffix(".whl").split("-")
    if wheel.suffix != ".whl" or len(parts) not in (5, 6):
        raise InstallError(f"{wheel} is not named like a wheel")
    return normal(parts[0]), parts[1]


def scripts_in_wheel(wheel: Path) -> list[str]:
    """Console scripts of a wheel; raises InstallError if the file is none."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(f".dist-info/{_ENTRY_POINTS}")]
            return _scripts(archive.read(names[0]).decode()) if names else []
    except (OSError, zipfile.BadZipFile) as error:
        raise InstallError(f"{wheel} cannot be read as a wheel: {error}") from error


def scripts_in_venv(prefix: Path, distribution: str) -> list[str]:
    """Console scripts of a distribution in a virtual environment."""
    file = _in_venv(prefix, distribution, _ENTRY_POINTS)
    return _scripts(file.read_text(encoding="utf-8")) if file else []


def summary_in_venv(prefix: Path, distribution: str) -> str | None:
    """What a distribution in a virtual environment says in one line that it is."""
    file = _in_venv(prefix, distribution, "METADATA")
    if file is None:
        return None
    summary = HeaderParser().parsestr(file.read_text(encoding="utf-8", errors="replace"))["Summary"]
    return str(summary) if summary else None


def _in_venv(prefix: Path, distribution: str, name: str) -> Path | None:
    for file in prefix.glob(f"lib/python*/site-packages/*.dist-info/{name}"):
        if normal(file.parent.name.removesuffix(".dist-info").rpartition("-")[0]) == normal(distribution):
            return file
    return None


def choose_script(distribution: str, scripts: Sequence[str], wanted: Sequence[str]) -> str:
    """The one to start: one of `wanted`, else the only one that is named like a connector, else the only one.

    Raises:
        InstallError: there is none, or more than one could be meant.
    """
    for name in wanted:
        if name in scripts:
            return name
    named = [name for name in scripts if name.startswith(("tap-", "target-"))]
    for some in (named, list(scripts)):
        if len(some) == 1:
            return some[0]
    if not scripts:
        raise InstallError(f"{distribution} brings no program: it is no Singer tap or target")
    raise InstallError(
        f"{distribution} brings several programs ({', '.join(scripts)}): name the one to start as "
        "`executable` of an entry in connectors.yaml"
    )


def kind_of(name: str) -> Kind:
    """What a connector is, by its name."""
    if name.startswith("tap-"):
        return "tap"
    return "target" if name.startswith("target-") else "mapper"


def _scripts(text: str) -> list[str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their capitals
    parser.read_string(text)
    return list(parser["console_scripts"]) if parser.has_section("console_scripts") else []
