"""No promises left in the code, and nothing of the machine that it was written on."""

import re
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.files import repository_files

# The first letters stand in brackets so that the patterns do not find themselves.
LEFT_PROMISES = re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX|[H]ACK)\b|[r]aise NotImplementedError|[t]odo!\(")
SOMEBODYS_MACHINE = re.compile(r"(?<![\w.])/(?:work|root)/\w")
BINARY = {".parquet", ".gz", ".bz2", ".xz", ".zst", ".zip", ".arrow", ".png"}
LOCKS = {"uv.lock", "Cargo.lock"}


def readable() -> list[Path]:
    return [path for path in repository_files() if path.suffix not in BINARY and path.name not in LOCKS]


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    places = []
    for path in paths:
        for number, line in enumerate((ROOT / path).read_bytes().decode(errors="replace").splitlines(), 1):
            if pattern.search(line):
                places.append(f"{path}:{number} {line.strip()[:80]}")
    return places


def test_no_promise_is_left_in_the_code() -> None:
    assert (
        found(LEFT_PROMISES, [path for path in readable() if path.suffix in {".py", ".rs", ".c", ".h"}]) == []
    )


def test_no_path_of_somebodys_machine() -> None:
    assert found(SOMEBODYS_MACHINE, readable()) == []


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_no_file_is_named_for_nothing(name: str) -> None:
    assert [path for path in repository_files() if path.stem == name] == []


def test_no_file_is_a_summary() -> None:
    assert [
        path for path in repository_files() if path.suffix == ".md" and "SUMMARY" in path.name.upper()
    ] == []


@pytest.mark.parametrize("line", ["# TO-DO: later", "raise NotImplemented-Error", "to-do!()", "FIX-ME"])
def test_a_promise_is_recognised(line: str) -> None:
    assert LEFT_PROMISES.search(line.replace("-", ""))


def test_a_path_of_somebodys_machine_is_recognised() -> None:
    assert SOMEBODYS_MACHINE.search("see /ro-ot/notes".replace("-", ""))
    assert not SOMEBODYS_MACHINE.search("https://example.com/work/x and docs/work/x")
