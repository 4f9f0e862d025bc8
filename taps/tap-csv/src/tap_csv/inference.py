"""Guessing a column's type from its text, without ever guessing too much.

A type is a candidate as long as every value seen has its form, strictly read. The narrowest candidate that is
left is the guess; text is what remains when none is. Codes such as 00123 and +49170 stay text, integers too
large for 64 bits become exact decimals, and integers that a double cannot hold are not mixed with fractions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.columns import (
    MAX_DECIMAL_DIGITS,
    Boolean,
    ColumnType,
    Date,
    Decimal,
    Integer,
    Number,
    String,
    Timestamp,
    TimestampTz,
)

from tap_csv.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_BIG_INTEGER = Decimal(MAX_DECIMAL_DIGITS, 0)
_CANDIDATES: tuple[ColumnType, ...] = (
    Integer(),
    _BIG_INTEGER,
    Boolean(),
    Number(),
    Date(),
    Timestamp(),
    TimestampTz(),
)
_IMPLIED_BY: dict[ColumnType, ColumnType] = {_BIG_INTEGER: Integer(), Timestamp(): Date()}
"""Candidates that need no look where the narrower one fits."""

_FIRST_LOOK = 50
"""Values that are looked at before all others: most candidates of a column of text fall there already."""

_DIGITS_OF_A_DOUBLE = 15
"""Every integer of so many digits is a double."""


class ColumnGuess:
    """What is known of one column."""

    def __init__(self) -> None:
        self._candidates = _CANDIDATES
        self._seen = False

    def look(self, text: pa.BinaryArray) -> None:
        """Learn from more values."""
        values = text.drop_null()
        if not self._seen and len(values):
            self._seen = True
            self._look_at(values.slice(0, _FIRST_LOOK))
            values = values.slice(_FIRST_LOOK)
        if len(values):
            self._look_at(values)

    @property
    def seen(self) -> bool:
        """Whether the column had a value at all."""
        return self._seen

    @property
    def type(self) -> ColumnType:
        """The guess; text for a column without values, because everything is text."""
        return self._candidates[0] if self._seen and self._candidates else String()

    def _look_at(self, values: pa.BinaryArray) -> None:
        fitting: list[ColumnType] = []
        for candidate in self._candidates:
            if _is_implied(candidate, fitting, values) or _fits(values, candidate):
                fitting.append(candidate)
        self._candidates = tuple(fitting)


def _is_implied(candidate: ColumnType, fitting: Sequence[ColumnType], values: pa.BinaryArray) -> bool:
    """Whether a candidate fits because a narrower one does: short integers are doubles, for one."""
    import pyarrow.compute as pc

    if candidate == Number():
        return Integer() in fitting and pc.max(pc.binary_length(values)).as_py() <= _DIGITS_OF_A_DOUBLE
    return _IMPLIED_BY.get(candidate) in fitting


def _fits(values: pa.BinaryArray, candidate: ColumnType) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if convert(values, candidate, lenient=False).bad is not None:
        return False
    text: Any = values.view(pa.string())
    if isinstance(candidate, Decimal):
        return not _any_matches(text, "[^0-9-]")
    if isinstance(candidate, Number):
        lengths: Any = pc.binary_length(text)
        long = text.filter(pc.greater(lengths, cast("Any", _DIGITS_OF_A_DOUBLE)))
        has_plus = pc.any(pc.starts_with(text, "+")).as_py()
        return not has_plus and not _any_matches(long, rf"\A\s*-?[0-9]{{{_DIGITS_OF_A_DOUBLE + 1},}}\s*\z")
    return True


def _any_matches(text: Any, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())
