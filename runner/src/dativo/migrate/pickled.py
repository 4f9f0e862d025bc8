"""A text or number in a pickle, read without executing anything of it."""

from __future__ import annotations

import pickletools
from typing import Any

_FRAMES = {"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"}
_LITERALS = {
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "BININT", "BININT1", "BININT2", "INT", "LONG",
    "LONG1", "LONG4", "BINFLOAT", "FLOAT",
}  # fmt: skip
_WORDS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


def plain_literal(data: bytes) -> Any:
    """The one literal that a pickle holds.

    Raises:
        ValueError: it holds anything else.
    """
    try:
        codes = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(data)]
    except ValueError:
        codes = []
    values = [_WORDS.get(name, argument) for name, argument in codes if name not in _FRAMES]
    named = {name for name, _ in codes} - _FRAMES
    if len(values) != 1 or not named <= _LITERALS | set(_WORDS):
        raise ValueError("is neither a text nor a number")
    return values[0]
