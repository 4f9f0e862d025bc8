"""What of the machine a program needs to start at all: its interpreter, its environment, its sources."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_SHEBANG = 512


def directories_of(executable: Path) -> tuple[Path, ...]:
    """Files and directories that a program must be able to read, beside those of the system.

    They are those of the script itself, of its interpreter's virtual environment and of the Python below
    that, and of packages that are installed from where they are written.
    """
    found: dict[Path, None] = dict.fromkeys([executable, *_around(executable)])
    interpreter = _interpreter_of(executable)
    if interpreter is not None:
        found |= dict.fromkeys([*_around(interpreter), *_python_of(interpreter)])
    return tuple(found)


def _interpreter_of(executable: Path) -> Path | None:
    """The program that `#!` names, looked up as `env` does if that is what it names."""
    with executable.open("rb") as file:
        line = file.readline(_LONGEST_SHEBANG)
    if not line.startswith(b"#!"):
        return None
    words = line[2:].decode(errors="replace").split()
    if words and words[0].endswith("/env"):
        found = shutil.which(words[-1])
        return Path(found) if found else None
    return Path(words[0]) if words else None


def _around(program: Path) -> Iterator[Path]:
    prefix = program.parent.parent
    settings = prefix / "pyvenv.cfg"
    if settings.is_file():
        yield prefix
        yield from _bases(settings)
        yield from _sources(prefix)


def _python_of(interpreter: Path) -> Iterator[Path]:
    """The interpreter's file, and if it is a Python the directory that holds its library too."""
    real = interpreter.resolve()
    yield interpreter
    yield real
    prefix = real.parent.parent
    if real.name.startswith("python") and any(prefix.glob("lib/python3*")):
        yield prefix


def _bases(settings: Path) -> Iterator[Path]:
    """The Python that a virtual environment was made with."""
    for line in settings.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "home":
            yield Path(value.strip()).parent
            yield Path(value.strip()).resolve().parent


def _sources(prefix: Path) -> Iterator[Path]:
    for file in prefix.glob("lib/python*/site-packages/*.dist-info/direct_url.json"):
        origin = json.loads(file.read_text(encoding="utf-8"))
        if origin.get("dir_info", {}).get("editable"):
            yield Path(unquote(urlsplit(origin["url"]).path))
