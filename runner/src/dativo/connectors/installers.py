"""uv or pip: resolving what to install into pinned, hashed requirements, and installing exactly these."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from dativo.errors import InstallError
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 1800.0
_SHOWN_LINES = 12


class Installer(Protocol):
    """One way of installing; `everywhere` says whether its locks serve other platforms too."""

    @property
    def everywhere(self) -> bool: ...

    def lock(self, requirement: str, python: str | None) -> str:
        """Pinned requirements with hashes; raises InstallError."""
        ...

    def install(self, requirements: str, directory: Path, python: str | None) -> None:
        """Makes an environment with exactly these; raises InstallError if a file has another hash."""
        ...

    def build(self, source: Path, directory: Path) -> Path:
        """Builds the wheel of a source directory; raises InstallError."""
        ...


def find_installer() -> Uv | Pip:
    """uv on PATH, else the package `uv`, else pip."""
    found = shutil.which("uv") or _packaged_uv()
    return Uv(found) if found else Pip()


@dataclass(frozen=True, slots=True)
class Uv:
    """https://docs.astral.sh/uv/"""

    program: str
    everywhere: bool = True

    def lock(self, requirement: str, python: str | None) -> str:
        chosen = ["--python", python or sys.executable]
        asked = ["--generate-hashes", "--universal", "--no-header", "--no-annotate", "--no-emit-index-url"]
        return _run(
            [self.program, "pip", "compile", "--quiet", *asked, *chosen, "-"], stdin=f"{requirement}\n"
        )

    def install(self, requirements: str, directory: Path, python: str | None) -> None:
        _run([self.program, "venv", "--quiet", "--python", python or sys.executable, str(directory)])
        with _file(requirements) as path:
            into = ["--python", str(directory / "bin" / "python")]
            _run([self.program, "pip", "install", "--quiet", "--require-hashes", *into, "-r", path])

    def build(self, source: Path, directory: Path) -> Path:
        _run([self.program, "build", "--quiet", "--wheel", "--out-dir", str(directory), str(source)])
        return _only_wheel(directory)


@dataclass(frozen=True, slots=True)
class Pip:
    """What comes with Python: slower, and its locks serve one platform."""

    everywhere: bool = False

    def lock(self, requirement: str, python: str | None) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch, "report.json")
            asked = ["--dry-run", "--ignore-installed", "--report", str(report), requirement]
            _run([*_pip(python or sys.executable), "install", "--quiet", *asked])
            return "".join(f"{line}\n" for line in pinned(json.loads(report.read_text(encoding="utf-8"))))

    def install(self, requirements: str, directory: Path, python: str | None) -> None:
        _run([python or sys.executable, "-m", "venv", "--without-pip", str(directory)])
        with _file(requirements) as path:
            into = _pip(str(directory / "bin" / "python"))
            _run([*into, "install", "--quiet", "--require-hashes", "-r", path])

    def build(self, source: Path, directory: Path) -> Path:
        asked = ["--no-deps", "--wheel-dir", str(directory), str(source)]
        _run([*_pip(sys.executable), "wheel", "--quiet", *asked])
        return _only_wheel(directory)


def this_platform() -> str:
    """What a lock of pip says it is for."""
    return f"{sys.platform}-{platform.machine()}-{sys.version_info.major}.{sys.version_info.minor}"


def _packaged_uv() -> str | None:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return None


def _pip(python: str) -> list[str]:
    """pip for another Python: the one installed here, else the one that comes with Python."""
    from importlib.util import find_spec

    program = ["-m", "pip"] if find_spec("pip") else [str(Path(_unpacked_pip().name, "pip"))]
    options = ["--python", python, "--disable-pip-version-check", "--no-input"]
    return [sys.executable, *program, *options]


@cache
def _unpacked_pip() -> tempfile.TemporaryDirectory[str]:
    """The wheel that `ensurepip` would install; unpacked, its modules are compiled only once."""
    bundled = [
        wheel for directory in _bundled_wheels() for wheel in sorted(directory.glob("pip-*-py3-none-any.whl"))
    ]
    if not bundled:
        raise InstallError("neither uv nor pip is here: pip install 'dativo[install]', which brings uv")
    directory = tempfile.TemporaryDirectory(prefix="dativo-pip-", ignore_cleanup_errors=True)
    with zipfile.ZipFile(bundled[0]) as archive:
        archive.extractall(directory.name)
    return directory


def _bundled_wheels() -> Iterator[Path]:
    """Where `ensurepip` has its wheels: in itself, or where distributions of Linux keep them for it."""
    yield Path(os.__file__).parent / "ensurepip" / "_bundled"
    yield Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels")


def pinned(report: Any) -> Iterator[str]:
    """Requirements from `pip install --report` (format version 1)."""
    for each in report["install"]:
        name, version = each["metadata"]["name"], each["metadata"]["version"]
        found = each["download_info"]
        digest = found.get("archive_info", {}).get("hashes", {}).get("sha256") or _digest_of_file(
            found["url"]
        )
        if digest is None:
            raise InstallError(f"{name} comes from {_without_user(found['url'])}, which has no hash to lock")
        pinned = f"{name} @ {found['url']}" if each.get("is_direct") else f"{name}=={version}"
        yield f"{pinned} --hash=sha256:{digest}"


def _digest_of_file(url: str) -> str | None:
    """Of a wheel on this machine, which pip before 23.1 does not tell the hash of."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.scheme != "file" or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _file:  # noqa: N801  (used like a function)
    """A requirements file for the time of a call."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> str:
        number, self._path = tempfile.mkstemp(prefix="dativo-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(self._text)
        return self._path

    def __exit__(self, *_: object) -> None:
        Path(self._path).unlink(missing_ok=True)


def _only_wheel(directory: Path) -> Path:
    wheels = list(directory.glob("*.whl"))
    if len(wheels) != 1:
        raise InstallError(f"building gave {len(wheels)} wheels in {directory}, not one")
    return wheels[0]


def _run(command: list[str], *, stdin: str = "") -> str:
    """What a tool answers on stdout; raises InstallError with the end of what it said on stderr."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{Path(command[0]).name} did not end within {SECONDS:g} s") from error
    except OSError as error:
        raise InstallError(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()][-_SHOWN_LINES:]
        lines = "\n".join(f"  {_without_user(line)}" for line in said)
        raise InstallError(f"{' '.join(map(_short, command[:3]))} failed:\n{lines}")
    return done.stdout


def _short(word: str) -> str:
    return Path(word).name if os.sep in word else word


def _without_user(text: str) -> str:
    """The text with what stands before the @ of URLs taken out: it may be a password of an index."""
    words = []
    for word in text.split(" "):
        parts = urlsplit(word) if "://" in word and "@" in word else None
        words.append(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts else word)
    return " ".join(words)
