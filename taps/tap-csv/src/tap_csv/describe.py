"""What kind of value a field holds: messages say that instead of the value, which may be personal."""

from __future__ import annotations

import re

_KINDS = (
    (r"\s*", "white space"),
    (r"(?i)true|false", "a boolean"),
    (r"[+-]?0[0-9]+", "digits with a leading zero"),
    (r"[+-]?[0-9]+", "an integer"),
    (r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", "a number"),
    (r"(?i)[+-]?(nan|inf|infinity)", "no finite number"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+", "a date-time without a time zone"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+ ?([Zz]|UTC|[+-][0-9:]+)", "a date-time with a time zone"),
    (r"[0-9]{1,2}:[0-9]{2}(:[0-9.]+)?", "a time"),
)


def describe(value: bytes) -> str:
    """Name the kind of a field's text."""
    if not value:
        return "an empty field"
    text = value.decode()
    kind = next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, text.strip())), "")
    if kind == "an integer" and not -(2**63) <= int(text) < 2**63:
        return "an integer beyond 64 bits"
    return kind or f"text of {len(text)} characters"
