"""What the text of each column type looks like, and how it is cast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dativo_protocol.arrow import arrow_type
from dativo_protocol.columns import (
    MAX_DECIMAL_DIGITS,
    Boolean,
    ColumnType,
    Date,
    Decimal,
    Integer,
    Number,
    Time,
    Timestamp,
    TimestampTz,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Step = Callable[[Any], Any]

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_ZONE = r" ?([Zz]|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"
_NAIVE = rf"{_DAY}([Tt ]{_CLOCK})?"
_ZONED = rf"{_DAY}[Tt ]{_CLOCK}{_ZONE}"
_REAL = r"[+-]?({int}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_STRICT_REAL = _REAL.replace("{int}", "(0|[1-9][0-9]*)")
_LENIENT_REAL = _REAL.replace("{int}", "[0-9]+")


@dataclass(frozen=True, slots=True)
class Form:
    """How the text of a type is read.

    Attributes:
        type: of the values.
        pattern: RE2 of a whole text that has the form of the type.
        cast: from tidy text to values; raises ArrowInvalid if one of them does not fit.
        tidy: from text of that form to what `cast` reads.
        is_doubtful: whether what `cast` made of untidied text needs a closer look.
    """

    type: pa.DataType
    pattern: str
    cast: Step
    tidy: Step
    is_doubtful: Callable[[Any, Any], bool]


@lru_cache(maxsize=64)
def form_of(to: ColumnType, *, lenient: bool) -> Form:
    """Return the form of a type that is not text.

    Args:
        to: the type.
        lenient: accept what a user means who chose the type (see `conversion`).
    """
    match to:
        case Integer():
            pattern = "[+-]?[0-9]+" if lenient else "-?(0|[1-9][0-9]*)"
            return Form(arrow_type(to), pattern, _caster(to), _without_plus, _has_leading_zero)
        case Number():
            pattern = _LENIENT_REAL if lenient else _STRICT_REAL
            return Form(arrow_type(to), pattern, _caster(to), _unchanged, _is_odd_number)
        case Decimal():
            pattern = _LENIENT_REAL if lenient else _STRICT_REAL
            return Form(arrow_type(to), pattern, _caster(to), _tidy_decimal, _is_odd_decimal)
        case Boolean():
            words = "true|false|0|1|t|f|yes|no|y|n|on|off" if lenient else "true|false|0|1"
            return Form(arrow_type(to), f"(?i:{words})", _caster(to), _as_truth, _never)
        case Date():
            return Form(arrow_type(to), _DAY, _caster(to), _unchanged, _never)
        case Time():
            return Form(arrow_type(to), _CLOCK, _cast_time, _without_nanoseconds, _never)
        case Timestamp():
            return Form(arrow_type(to), _NAIVE, _caster(to), _tidy_timestamp, _never)
        case TimestampTz():
            pattern = f"{_NAIVE}|{_ZONED}" if lenient else _ZONED
            return Form(arrow_type(to), pattern, _caster(to), _tidy_zoned, _never)
        case _:
            raise TypeError(f"no form of text for {to}")


def _caster(to: ColumnType) -> Step:
    type_ = arrow_type(to)
    return lambda text: text.cast(type_)


def _cast_time(text: Any) -> Any:
    """Arrow reads no times of day, but it reads those of a day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    on_a_day = pc.binary_join_element_wise("1970-01-01", text, "T")
    return on_a_day.cast(pa.timestamp("us")).cast(pa.time64("us"))


def _never(text: Any, values: Any) -> bool:  # noqa: ARG001 -- a form's signature
    return False


def _unchanged(text: Any) -> Any:
    return text


def _has_leading_zero(text: Any, values: Any) -> bool:
    """Whether some value starts like 007 or 0x1F; most columns have none, and that is quick to see."""
    import pyarrow.compute as pc

    if _any_starts_oddly(text, "0"):
        return True
    least = pc.min(values).as_py()
    return least is not None and least < 0 and _any_starts_oddly(text, "-0")


def _any_starts_oddly(text: Any, zero: str) -> bool:
    """Whether some text goes on after its zero, though not as a fraction or with an exponent."""
    import pyarrow.compute as pc

    starts = pc.starts_with(text, zero)
    if not pc.any(starts).as_py():
        return False
    starts = pc.and_not(starts, pc.starts_with(text, f"{zero}."))
    if not pc.any(starts).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(text.filter(starts), rf"\A{zero}[^.eE]")).as_py())


def _is_odd_number(text: Any, values: Any) -> bool:
    import pyarrow.compute as pc

    return pc.all(pc.is_finite(values)).as_py() is False or _has_leading_zero(text, values)


def _is_odd_decimal(text: Any, values: Any) -> bool:
    """Whether some text has digits that Arrow may lose: beyond 38 it wraps around and says nothing."""
    import pyarrow.compute as pc

    longest = pc.max(pc.binary_length(text)).as_py() or 0
    return longest > MAX_DECIMAL_DIGITS or _has_leading_zero(text, values)


def _tidy_decimal(text: Any) -> Any:
    """Drop zeros that mean nothing; then drop texts with more digits than Arrow reads rightly."""
    import pyarrow.compute as pc

    tidy = pc.replace_substring_regex(text, r"\A([+-]?)0+([0-9])", r"\1\2")
    tidy = pc.replace_substring_regex(tidy, r"\A([^.eE]*\.[0-9]*?)0+\z", r"\1")
    safe = rf"\A[+-]?\.?(?:[0-9]\.?){{1,{MAX_DECIMAL_DIGITS}}}(?:[eE].*)?\z"
    return pc.if_else(pc.match_substring_regex(tidy, safe), tidy, None)


def _without_plus(text: Any) -> Any:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(text, r"\A\+", "")


def _as_truth(text: Any) -> Any:
    import pyarrow.compute as pc

    truths = pc.replace_substring_regex(text, r"\A(?i:t|yes|y|on)\z", "true")
    return pc.replace_substring_regex(truths, r"\A(?i:f|no|n|off)\z", "false")


def _without_nanoseconds(text: Any) -> Any:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(text, r"(\.[0-9]{6})[0-9]+", r"\1")


def _tidy_timestamp(text: Any) -> Any:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(_without_nanoseconds(text), rf"\A({_DAY})t", r"\1T")


def _tidy_zoned(text: Any) -> Any:
    import pyarrow.compute as pc

    tidy = pc.replace_substring_regex(_tidy_timestamp(text), r" ?(?:[Zz]|UTC)\z", "Z")
    tidy = pc.replace_substring_regex(tidy, r" ([+-][0-9]{2}:?(?:[0-9]{2})?)\z", r"\1")
    tidy = pc.replace_substring_regex(tidy, rf"\A({_DAY})\z", r"\1T00:00:00")
    return pc.replace_substring_regex(tidy, rf"\A({_DAY}[T ]{_CLOCK})\z", r"\1Z")
