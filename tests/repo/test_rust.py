"""The native boundary: nothing panics on purpose, `unsafe` lives in one crate and says why it is sound."""

import re
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.files import files_named
from tests.repo.functions import without_opaque_text, without_tests

FFI = [path for path in files_named(".rs") if path.parts[:3] == ("native", "ffi", "src")]
CORE = [path for path in files_named(".rs") if path.parts[:3] == ("native", "core", "src")]
OUTSIDE_FFI = [path for path in files_named(".rs") if path.parts[:2] != ("native", "ffi")]
PANICS = re.compile(r"\.unwrap\(|\.expect\(|\b(?:panic|unreachable|todo|unimplemented|assert\w*)!")
UNSAFE = re.compile(r"\bunsafe\b")
UNSAFE_BLOCK = re.compile(r"\bunsafe\s*(?:\{|impl\b)")
REASON_WITHIN_LINES = 6


def source(path: Path) -> str:
    return (ROOT / path).read_text()


def places(pattern: re.Pattern[str], path: Path) -> list[str]:
    lines = without_tests(source(path)).splitlines()
    return [f"{path}:{number} {line.strip()}" for number, line in enumerate(lines, 1) if pattern.search(line)]


def test_both_crates_are_here() -> None:
    assert FFI
    assert CORE


@pytest.mark.parametrize("path", FFI, ids=str)
def test_the_boundary_never_panics_on_purpose(path: Path) -> None:
    assert places(PANICS, path) == []


@pytest.mark.parametrize("path", OUTSIDE_FFI, ids=str)
def test_unsafe_stays_at_the_boundary(path: Path) -> None:
    assert UNSAFE.search(without_opaque_text(source(path)).replace("unsafe_code", "")) is None


def test_the_core_forbids_unsafe_code() -> None:
    assert "#![forbid(unsafe_code)]" in source(Path("native/core/src/lib.rs"))


@pytest.mark.parametrize("path", FFI, ids=str)
def test_unsafe_code_says_why_it_is_sound(path: Path) -> None:
    lines = source(path).splitlines()
    code = without_opaque_text(source(path)).splitlines()
    bare = [
        f"{path}:{number + 1}"
        for number, line in enumerate(code)
        if UNSAFE_BLOCK.search(line)
        and not any("SAFETY:" in above for above in lines[max(0, number - REASON_WITHIN_LINES) : number + 1])
    ]
    assert bare == []
