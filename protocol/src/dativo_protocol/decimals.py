"""Which JSON Schema numbers need a decimal column, and how wide (G8).

The signs of an exact number, strongest first: `x-precision`/`x-scale`; `precision`/`scale` beside a decimal
`format`; `multipleOf`; bounds. singer-python writes the format `singer.decimal`, SDK targets read
`x-singer.decimal`; both count.
"""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

from dativo_protocol.columns import MAX_DECIMAL_DIGITS, Decimal

if TYPE_CHECKING:
    from collections.abc import Mapping

DECIMAL_FORMATS = ("singer.decimal", "x-singer.decimal", "decimal")

DEFAULT_SCALE = 9
"""Scale of a decimal that states none."""

_INT64_DIGITS = 19
_INT64 = range(-(2**63), 2**63)
_INT64_AS_FLOAT = decimal.Decimal(repr(float(2**63)))  # what a program without integers makes of the bound
_EXACT = decimal.Context(prec=decimal.MAX_PREC)  # the default context rounds to 28 digits


class TooWide(Exception):  # noqa: N818 -- an answer, not a failure: such a number is kept as text
    """No 128-bit decimal holds every value the schema allows."""


def decimal_of(schema: Mapping[str, Any]) -> Decimal | None:
    """Return the decimal column that a number or a decimal string needs; None if nothing asks for one.

    Raises:
        TooWide: the numbers need more than 38 digits.
    """
    precision = _stated(schema, "precision")
    scale = _stated(schema, "scale")
    step = _number(schema.get("multipleOf"))
    if precision is None and scale is None and step is None and schema.get("format") not in DECIMAL_FORMATS:
        return None
    if scale is None:
        scale = _fraction_digits(step) if step is not None else DEFAULT_SCALE
        precision = precision if step is not None else None
    if precision is None:
        return _widest(schema, scale)
    # SQL allows a negative scale (tens, hundreds) and a scale beyond the precision (0.00012 in NUMBER(2,5)).
    precision, scale = (precision - scale, 0) if scale < 0 else (max(precision, scale), scale)
    if precision > MAX_DECIMAL_DIGITS:
        raise TooWide
    return Decimal(max(precision, 1), scale)


def integer_decimal_of(schema: Mapping[str, Any]) -> Decimal | None:
    """Return decimal(38, 0) for integers whose bounds go beyond 64 bits, else None.

    Raises:
        TooWide: the bounds go beyond 38 digits.
    """
    bounds = _bounds(schema)
    if all(_is_int64(bound) for bound in bounds):
        return None
    if any(_whole_digits(bound) > MAX_DECIMAL_DIGITS for bound in bounds):
        raise TooWide
    return Decimal(MAX_DECIMAL_DIGITS, 0)


def _widest(schema: Mapping[str, Any], scale: int) -> Decimal:
    scale = max(scale, 0)
    bounds = _bounds(schema)
    # Two bounds tell how many digits the whole part needs; otherwise it may be as large as any integer.
    whole = max(map(_whole_digits, bounds)) if len(bounds) > 1 else _INT64_DIGITS
    if whole + scale > MAX_DECIMAL_DIGITS:
        raise TooWide
    return Decimal(MAX_DECIMAL_DIGITS, scale)


def _stated(schema: Mapping[str, Any], name: str) -> int | None:
    value = schema.get(f"x-{name}")
    if value is None and schema.get("format") in DECIMAL_FORMATS:
        value = schema.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bounds(schema: Mapping[str, Any]) -> list[decimal.Decimal]:
    """Both ends, in any draft's spelling; draft 4's boolean exclusive* tell nothing here."""
    low = _number(schema.get("minimum"), schema.get("exclusiveMinimum"))
    high = _number(schema.get("maximum"), schema.get("exclusiveMaximum"))
    return [bound for bound in (low, high) if bound is not None]


def _number(*candidates: object) -> decimal.Decimal | None:
    for value in candidates:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return decimal.Decimal(repr(value))
    return None


def _fraction_digits(step: decimal.Decimal) -> int:
    if not step.is_finite():
        return DEFAULT_SCALE
    return max(0, -int(step.normalize(_EXACT).as_tuple().exponent))


def _whole_digits(bound: decimal.Decimal) -> int:
    """Digits before the point; a power of ten counts as exclusive, since taps derive it from a precision."""
    if not bound.is_finite():
        return MAX_DECIMAL_DIGITS + 1
    if bound.is_zero():
        return 0
    digits = bound.adjusted() + 1
    is_power_of_ten = bound.normalize(_EXACT).as_tuple().digits == (1,)
    return max(digits - 1 if is_power_of_ten else digits, 0)


def _is_int64(bound: decimal.Decimal) -> bool:
    return bound.is_finite() and (_INT64.start <= bound < _INT64.stop or abs(bound) == _INT64_AS_FLOAT)
