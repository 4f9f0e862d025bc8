"""Bytes in any encoding -> UTF-8 that is valid whatever the bytes were.

What cannot be decoded is replaced by `MARK`, a code point that Unicode promises never to assign, so that the
row it is in can be found later and told from good ones.
"""

from __future__ import annotations

import codecs
import struct
from typing import Protocol

MARK = "\ufdd0"
"""Stands for bytes that the encoding has no character for."""

_LONGEST_CHARACTER = 4


class Decoder(Protocol):
    """Turns bytes into UTF-8 piece by piece.

    Attributes:
        marked: some bytes could not be decoded.
    """

    marked: bool

    def decode(self, piece: bytes, *, final: bool) -> bytes:
        """Return what can be decoded so far; the rest waits for the next piece, unless there is none."""


def decoder_for(encoding: str) -> Decoder:
    """Return the decoder of a Python text codec, given by its canonical name."""
    return _Utf8Checker() if encoding in ("utf-8", "utf-8-sig") else _Recoder(encoding)


class _Utf8Checker:
    """Lets valid UTF-8 pass as it is, at the speed of Arrow's check: ten times that of decoding."""

    def __init__(self) -> None:
        self.marked = False
        self._rest = b""

    def decode(self, piece: bytes, *, final: bool) -> bytes:
        piece, self._rest = self._rest + piece, b""
        if not final and (cut := _unfinished(piece)):
            piece, self._rest = piece[:-cut], piece[-cut:]
        if _is_utf8(piece):
            return piece
        self.marked = True
        return piece.decode("utf-8", "tap_csv.mark").encode()


class _Recoder:
    def __init__(self, encoding: str) -> None:
        self.marked = False
        self._decoder = codecs.getincrementaldecoder(encoding)("tap_csv.mark")

    def decode(self, piece: bytes, *, final: bool) -> bytes:
        text = self._decoder.decode(piece, final=final)
        self.marked = self.marked or MARK in text
        return text.encode("utf-8", "replace")


def _is_utf8(piece: bytes) -> bool:
    import pyarrow as pa

    one_value = pa.py_buffer(struct.pack("=ii", 0, len(piece)))
    try:
        pa.StringArray.from_buffers(1, one_value, pa.py_buffer(piece)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _unfinished(piece: bytes) -> int:
    """Count the bytes at the end that begin a character and do not finish it."""
    for size in range(1, min(_LONGEST_CHARACTER, len(piece) + 1)):
        byte = piece[-size]
        if byte & 0b1100_0000 == 0b1000_0000:  # continues a character
            continue
        length = 1 + (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0)
        return size if length > size else 0
    return 0


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


codecs.register_error("tap_csv.mark", _mark)
