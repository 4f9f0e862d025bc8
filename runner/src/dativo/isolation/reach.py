"""What a sandboxed connector may reach of the machine: what its job declares and its settings name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import PolicyError
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_GLOB = re.compile(r"[*?\[]")
_SYSTEM = ("/proc", "/sys", "/dev", "/run", "/boot")


@dataclass(frozen=True, slots=True)
class Reach:
    """Paths of the machine, as the connector names them and without symbolic links in them.

    Attributes:
        read: seen, not changed.
        write: directories that may be changed; made if they are missing.
        network: whether it has any but its own.
        hidden: directories that are not seen even if they lie in one of the others.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    network: bool = False
    hidden: tuple[Path, ...] = ()


def declared(name: str, paths: Iterable[str], directory: Path, hidden: Iterable[Path]) -> Iterator[Path]:
    """Absolute paths of what is declared for a connector; patterns stand for the directory they begin in.

    Args:
        name: of the connector, for messages.
        paths: as a job or a setting writes them; URLs are none.
        directory: where relative ones start.
        hidden: directories that may not be declared.

    Raises:
        PolicyError: a path leads, symbolic links followed, where no connector belongs.
    """
    for text in paths:
        if "://" in text:
            continue
        fixed = directory / _fixed_part(Path(text).expanduser())
        path = Path(os.path.normpath(fixed))
        real = path.resolve()
        if real == Path("/") or any(_is_within(real, each) for each in (*map(Path, _SYSTEM), *hidden)):
            raise PolicyError(f"{name}: {text} leads to {real}, which no sandboxed connector may reach")
        yield path


def settings_at(config: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """Texts that a configuration holds at dotted names; items of a list go by the name of the list."""
    for name in names:
        yield from _texts(config, name.split("."))


def _texts(value: Any, steps: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, steps)
    elif not steps:
        if isinstance(value, str):
            yield value
    elif isinstance(value, dict) and steps[0] in value:
        yield from _texts(value[steps[0]], steps[1:])


def _fixed_part(path: Path) -> Path:
    """The path up to the directory that holds its first pattern."""
    fixed = Path()
    for part in path.parts:
        if _GLOB.search(part):
            break
        fixed /= part
    return fixed


def _is_within(path: Path, directory: Path) -> bool:
    return path == directory or directory in path.parents
