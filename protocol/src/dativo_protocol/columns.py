"""The closed set of column types; `schema` chooses them for a stream, `arrow` gives them their Arrow form.

A type says what a column holds, never how a store keeps it. Every column may hold null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MAX_DECIMAL_DIGITS = 38
"""Digits of a 128-bit decimal, the widest that Parquet readers and Iceberg agree on."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number of 64 bits, signed."""


@dataclass(frozen=True, slots=True)
class Number:
    """A double-precision float."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """An exact decimal number of at most 38 digits.

    Attributes:
        precision: digits in all, 1..38.
        scale: digits after the point, 0..precision.
    """

    precision: int
    scale: int

    def __post_init__(self) -> None:
        if not (1 <= self.precision <= MAX_DECIMAL_DIGITS and 0 <= self.scale <= self.precision):
            raise ValueError(f"no such decimal: precision {self.precision}, scale {self.scale}")


@dataclass(frozen=True, slots=True)
class String:
    """Unicode text."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """Any JSON value, kept as its own text."""


@dataclass(frozen=True, slots=True)
class Binary:
    """Bytes; base64 text in JSON."""


@dataclass(frozen=True, slots=True)
class TimestampTz:
    """An instant, in microseconds."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A date and time of day on a wall whose time zone nobody recorded, in microseconds."""


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day, in microseconds."""


@dataclass(frozen=True, slots=True)
class Uuid:
    """A 128-bit identifier; hyphenated hex text in JSON."""


@dataclass(frozen=True, slots=True)
class Struct:
    """An object whose members are known."""

    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array whose items have one type."""

    item: ColumnType


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are data and whose values have one type."""

    value: ColumnType


ColumnType: TypeAlias = (
    Boolean
    | Integer
    | Number
    | Decimal
    | String
    | JsonText
    | Binary
    | TimestampTz
    | Timestamp
    | Date
    | Time
    | Uuid
    | Struct
    | ListOf
    | MapOf
)


def name_fault(name: str) -> str | None:
    """Return why a name cannot be that of a column, None if it can.

    Arrow hands names over as C strings, which end at U+0000, in UTF-8, which has no lone surrogates.
    """
    if "\0" in name:
        return "a name with U+0000 in it cannot be that of a column"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "a name with half of a surrogate pair cannot be that of a column"
    return None


@dataclass(frozen=True, slots=True)
class Column:
    """A named column.

    Attributes:
        name: property name, verbatim.
        type: what the column holds.
        required: the schema demands a value that is present and not null. Information for those who want it:
            a record without the value is still stored, unless records are validated.
    """

    name: str
    type: ColumnType
    required: bool = False
