"""The digest `r1` of rows, slowly: from Python values, by the table in native/core/src/digest/mod.rs."""

from __future__ import annotations

import datetime as dt
import math
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import types

from .xxh3 import U64, xxh3_64

if TYPE_CHECKING:
    from collections.abc import Iterable

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 -- of timestamps with and without a zone


def digest_of(batch: pa.RecordBatch) -> str:
    """The digest of the rows of a batch."""
    halves = [0, 0]
    for row in batch.to_pylist():
        total = _members(batch.schema, row)
        for half, name in enumerate([b"row 1", b"row 2"]):
            halves[half] += _mix(total + _tag(name))
    return f"r1:{halves[0] & U64:016x}{halves[1] & U64:016x}"


def _tag(name: bytes) -> int:
    return xxh3_64(name)


def _mix(word: int) -> int:
    word &= U64
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & U64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & U64
    return word ^ (word >> 31)


def _members(fields: Iterable[pa.Field], values: dict[str, Any]) -> int:
    there = [(field, values[field.name]) for field in fields if values[field.name] is not None]
    return sum(_mix(_word(field.type, value) + xxh3_64(field.name.encode())) for field, value in there)


def _word(kind: pa.DataType, value: Any) -> int:
    if value is None:
        return _tag(b"null")
    if types.is_dictionary(kind):
        return _word(kind.value_type, value)
    if types.is_struct(kind):
        return _mix(_members(kind, value) + _tag(b"struct"))
    if types.is_map(kind):
        pairs = [(_word(kind.key_type, key), _word(kind.item_type, item)) for key, item in value]
        return _mix(sum(_mix(_mix(key + _tag(b"map")) + item) for key, item in pairs) + _tag(b"map"))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        h = _tag(b"list")
        for item in value:
            h = _mix(h + _word(kind.value_type, item))
        return h
    return _scalar(kind, value)


def _scalar(kind: pa.DataType, value: Any) -> int:
    match value:
        case bool():
            return value + _tag(b"bool")
        case int() | Decimal():
            return _exact(Decimal(value))
        case float():
            bits = struct.unpack("<Q", struct.pack("<d", value))[0]
            return (0x7FF8 << 48 if math.isnan(value) else bits) + _tag(b"float")
        case str():
            return xxh3_64(value.encode(), _tag(b"text"))
        case bytes():
            return xxh3_64(value, _tag(b"binary"))
        case dt.datetime():
            zoned = kind.tz is not None
            since = value.astimezone(dt.UTC).replace(tzinfo=None) - EPOCH if zoned else value - EPOCH
            return _nanoseconds(since) + _tag(b"instant" if zoned else b"moment")
        case dt.date():
            return (value - EPOCH.date()).days + _tag(b"date")
        case dt.time():
            return _nanoseconds(dt.datetime.combine(EPOCH, value) - EPOCH) + _tag(b"time")
    raise AssertionError(f"{kind}: {value!r}")


def _exact(value: Decimal) -> int:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    unscaled = (-1 if sign else 1) * int("".join(map(str, digits)) or "0")
    scale = -exponent
    if scale < 0:
        unscaled, scale = unscaled * 10**-scale, 0
    while scale and unscaled % 10 == 0:
        unscaled, scale = unscaled // 10, scale - 1
    if scale == 0 and -(2**63) <= unscaled < 2**63:
        return unscaled + _tag(b"exact")
    high = (unscaled >> 64) + _tag(b"decimal") * (2 * scale + 1)
    return _mix((unscaled & U64) ^ _mix(high))


def _nanoseconds(span: dt.timedelta) -> int:
    return (span.days * 86_400_000_000 + span.seconds * 1_000_000 + span.microseconds) * 1000
