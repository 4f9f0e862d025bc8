"""Positions in the server's log: `16/B374D848` there, an integer here and in the STATE."""

from __future__ import annotations

_LOW_BITS = 32


def parse_lsn(text: str) -> int:
    """Return the position that the server writes so."""
    high, _, low = text.partition("/")
    return int(high, 16) << _LOW_BITS | int(low, 16)


def format_lsn(lsn: int) -> str:
    """Return a position as the server writes it."""
    return f"{lsn >> _LOW_BITS:X}/{lsn & (1 << _LOW_BITS) - 1:X}"
