"""Guesses: narrow enough to be useful, never narrower than the values."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tap_csv.conversion import convert
from tap_csv.inference import ColumnGuess
from tap_csv.typenames import type_name


def guess(*texts: str | None, batches: int = 1) -> str:
    """Guess from texts that come in one or several batches."""
    column = ColumnGuess()
    size = max(1, -(-len(texts) // batches))
    for start in range(0, len(texts), size):
        part = texts[start : start + size]
        column.look(pa.array([None if text is None else text.encode() for text in part], pa.binary()))
    return type_name(column.type)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "-2", "0", None], "integer"),
        (["0", "1", "1"], "integer"),
        (["9223372036854775807"], "integer"),
        (["9223372036854775808", "1"], "decimal(38,0)"),
        (["9" * 39], "string"),
        (["1", "2.5"], "number"),
        (["1e3", "1"], "number"),
        (["1.5", "12345678901234567890"], "string"),
        (["1.5", "1234567890123456"], "string"),
        (["1.5", "123456789012345"], "number"),
        (["00123", "94103"], "string"),
        (["1", "007"], "string"),
        (["0.5", "00.5"], "string"),
        (["+491701234567"], "string"),
        (["0x1F"], "string"),
        (["nan", "1.5"], "string"),
        (["true", "False", None], "boolean"),
        (["true", "1"], "boolean"),
        (["yes", "no"], "string"),
        (["2024-05-01", "2024-02-29"], "date"),
        (["2024-02-30"], "string"),
        (["2024-05-01", "2024-05-01 10:00"], "timestamp"),
        (["2024-05-01T10:00:00"], "timestamp"),
        (["2024-05-01T10:00:00Z", "2024-05-01T10:00:00+02:00"], "date-time"),
        (["2024-05-01T10:00:00Z", "2024-05-01T10:00:00"], "string"),
        (["2024-05-01T10:00:00Z", "2024-05-01"], "string"),
        (["12:30:00"], "string"),
        (["36:00:00", "12:30:00"], "string"),
        (["1", "2024-05-01"], "string"),
        (["a", "1"], "string"),
        ([" 1", "2 "], "integer"),
        ([" ", "1"], "string"),
        ([None, None], "string"),
        ([], "string"),
    ],
)
def test_a_guess(texts: list[str | None], expected: str) -> None:
    assert guess(*texts) == expected


@pytest.mark.parametrize("late", ["2.5", "007", "x", "2024-05-01", "9223372036854775808"])
def test_what_comes_late_in_the_sample_counts_as_much(late: str) -> None:
    texts = ["1"] * 500 + [late] + ["1"] * 10
    assert guess(*texts) == guess("1", late)
    assert guess(*texts, batches=7) == guess("1", late)


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "0"],
        ["1.5", "2"],
        ["true", "0"],
        ["2024-05-01", "2024-05-01 10:00"],
        ["9223372036854775808"],
        ["a"],
    ],
)
def test_what_was_guessed_fits_everything_it_was_guessed_from(texts: list[str]) -> None:
    column = ColumnGuess()
    values = pa.array([text.encode() for text in texts], pa.binary())
    column.look(values)
    assert convert(values, column.type, lenient=False).bad is None
