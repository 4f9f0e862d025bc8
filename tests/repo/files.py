"""The files of this repository, as git knows them: tracked, or new and not ignored."""

import subprocess
from functools import cache
from pathlib import Path

from tests.paths import ROOT

GENERATED = {"native/python/dativo_native/_abi.pyi", "native/include/dativo.h"}


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file, relative to the root."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})
    return tuple(Path(name) for name in names)


def files_named(*suffixes: str) -> list[Path]:
    """Files with one of the suffixes, written by hand."""
    return [path for path in repository_files() if path.suffix in suffixes and str(path) not in GENERATED]


def is_test(path: Path) -> bool:
    """Whether it is part of no distribution: tests, what they compare with, examples, what measures."""
    return not {"tests", "benches", "examples", "fuzz", "oracle"}.isdisjoint(path.parts)
