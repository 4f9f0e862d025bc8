"""Text -> typed values, a column at a time.

Most columns of most files are clean, so a column is cast as a whole first. Only if that fails, or if the
result is doubtful because Arrow reads more than we mean (007, 0x1F, inf), are its values looked at one kind
at a time: those that have the form of the type are cast, the others are bad.

Two ways to read a type. Strict, for types that were inferred: 007 is no integer but a code, and a date-time
without a time zone does not belong among those with one. Lenient, for types the user chose: 007 is 7, a
date-time without time zone is taken for UTC, `yes` is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.columns import ColumnType, String

from tap_csv.forms import form_of

if TYPE_CHECKING:
    import pyarrow as pa

    from tap_csv.forms import Form


@dataclass(frozen=True, slots=True)
class Converted:
    """A column of typed values.

    Attributes:
        values: null where the text was null or bad.
        bad: true where the text was not null but does not fit the type; None if nowhere.
    """

    values: pa.Array[Any]
    bad: pa.BooleanArray | None


def convert(text: pa.BinaryArray, to: ColumnType, *, lenient: bool) -> Converted:
    """Read a column of text as values of a type.

    Args:
        text: valid UTF-8; nulls stay null.
        to: a type that `typenames` knows.
        lenient: the user chose the type.
    """
    import pyarrow as pa

    view = text.view(pa.string())
    if isinstance(to, String):
        return Converted(view, None)
    form = form_of(to, lenient=lenient)
    values = _cast_whole(view, form)
    return _cast_fitting(view, form) if values is None else Converted(values, None)


def _cast_whole(text: Any, form: Form) -> Any:
    import pyarrow as pa

    try:
        values = form.cast(text)
    except pa.ArrowInvalid:
        return None
    return None if form.is_doubtful(text, values) else values


def _cast_fitting(text: Any, form: Form) -> Converted:
    import pyarrow.compute as pc

    trimmed = pc.ascii_trim_whitespace(text)
    has_form = pc.match_substring_regex(trimmed, rf"\A(?:{form.pattern})\z")
    tidy = form.tidy(pc.if_else(has_form, trimmed, None))
    values = _finite(_cast_each(tidy, form))
    bad = pc.and_(pc.is_valid(text), pc.is_null(values))
    return Converted(values, bad if pc.any(bad).as_py() else None)


def _cast_each(text: Any, form: Form) -> Any:
    """Cast, with null for what fails though it has the right form: the 30th of February."""
    import pyarrow as pa

    try:
        return form.cast(text)
    except pa.ArrowInvalid:
        if len(text) == 1:
            return pa.nulls(1, cast("Any", form.type))
    half = len(text) // 2
    return pa.concat_arrays([_cast_each(text.slice(0, half), form), _cast_each(text.slice(half), form)])


def _finite(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_finite(values), values, None)
