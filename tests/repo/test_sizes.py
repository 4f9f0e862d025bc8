"""A function does one thing and a file is one idea: budgets of length."""

from statistics import median, quantiles

import pytest

from tests.paths import ROOT
from tests.repo.files import files_named, is_test
from tests.repo.functions import Function, functions_of, without_tests

LONGEST_FILE = 500
LONGEST_FUNCTION = 80
LANGUAGES = {".py": "Python", ".rs": "Rust"}

languages = pytest.mark.parametrize("suffix", LANGUAGES, ids=LANGUAGES.values())


def functions(suffix: str) -> list[Function]:
    return [function for path in files_named(suffix) for function in functions_of(path)]


@languages
def test_no_file_is_longer_than_an_idea(suffix: str) -> None:
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in files_named(suffix)}
    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


@languages
def test_no_function_does_many_things(suffix: str) -> None:
    long = [f for f in functions(suffix) if f.lines > LONGEST_FUNCTION]
    assert [f"{f.path}:{f.line} {f.name}: {f.lines} lines" for f in long] == []


@languages
def test_most_functions_are_short(suffix: str) -> None:
    lengths = [f.lines for f in functions(suffix) if not is_test(f.path)]
    assert median(lengths) <= 13
    assert quantiles(lengths, n=20)[-1] <= 40


def test_there_is_at_least_as_much_test_as_source() -> None:
    """Cases count as what they are, tests written as data."""
    tests = source = 0
    for path in files_named(".py", ".rs", ".c", ".singer", ".json"):
        text = (ROOT / path).read_text(errors="replace")
        whole = len(text.splitlines())
        if path.suffix in (".singer", ".json") and not is_test(path):
            continue
        own = 0 if is_test(path) else len(without_tests(text).splitlines()) if path.suffix == ".rs" else whole
        source += own
        tests += whole - own
    assert tests >= source
