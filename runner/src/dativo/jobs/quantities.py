"""Spans of time and amounts of memory as people write them: `90s`, `5m`, `512MiB`, `2GB`."""

from __future__ import annotations

import re
from typing import ClassVar, Self

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_BYTES = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGT", start=1):
    _BYTES |= {f"{_letter}B": 1000**_power, f"{_letter}iB": 1024**_power}


class Duration(float):
    """Seconds. Written as a number of them, or with a unit: `500ms`, `30s`, `5m`, `2h`, `1d`."""

    PATTERN: ClassVar[str] = r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d)"
    EXPECTED: ClassVar[str] = "a time such as 30s, 5m or 2h"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError if the text is no such time."""
        if not re.fullmatch(cls.PATTERN, text):
            raise ValueError(cls.EXPECTED)
        unit = text.lstrip("0123456789.")
        return cls(float(text.removesuffix(unit)) * _SECONDS[unit])

    @classmethod
    def of(cls, number: float) -> Self:
        """Raises ValueError if the number is negative."""
        if number < 0:
            raise ValueError(cls.EXPECTED)
        return cls(number)

    def __str__(self) -> str:
        for unit in ("d", "h", "m", "s"):
            if self >= _SECONDS[unit] and self % _SECONDS[unit] == 0:
                return f"{int(self // _SECONDS[unit])}{unit}"
        return f"{float(self):g}s"


class Bytes(int):
    """An amount of bytes. Written as a number of them, or with a unit: `64KiB`, `512MiB`, `2GB`."""

    PATTERN: ClassVar[str] = r"[0-9]+(?:\.[0-9]+)?(?:B|[KMGT]i?B)"
    EXPECTED: ClassVar[str] = "an amount such as 512MiB or 2GB"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError if the text is no such amount."""
        if not re.fullmatch(cls.PATTERN, text):
            raise ValueError(cls.EXPECTED)
        number = text.rstrip("BKMGTi")
        return cls(int(float(number) * _BYTES[text.removeprefix(number)]))

    @classmethod
    def of(cls, number: float) -> Self:
        """Raises ValueError if the number is negative or not whole."""
        if number < 0 or number != int(number):
            raise ValueError(cls.EXPECTED)
        return cls(int(number))

    def __str__(self) -> str:
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if self >= _BYTES[unit]:
                return f"{int(self) / _BYTES[unit]:.4g} {unit}"
        return f"{int(self)} B"
