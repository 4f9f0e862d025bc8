"""Rows in the one form that all readers are compared in: JSON, directed by the table's Iceberg schema.

Numbers and booleans stay what they are (NaN is a string), decimals and times are strings of full length,
binaries and UUIDs lower hex, structs objects, lists arrays, maps arrays of pairs in the order of their keys.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    ListType,
    MapType,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

Row = dict[str, Any]

_EXACT = Context(prec=60)


def canonical_rows(rows: Iterable[Mapping[str, Any]], schema: Schema) -> list[Row]:
    """Every row with every column of the schema, in an order of their own."""
    return in_order([canonical(row, schema.as_struct()) for row in rows])


def in_order(rows: list[Row]) -> list[Row]:
    """Sorted, for a table has no order."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def canonical(value: Any, type_: IcebergType) -> Any:
    """One value, as readers give it to Python, in its canonical form."""
    if value is None:
        return None
    match type_:
        case StructType():
            return {field.name: canonical(value.get(field.name), field.field_type) for field in type_.fields}
        case ListType():
            return [canonical(item, type_.element_type) for item in value]
        case MapType():
            pairs = value.items() if isinstance(value, dict) else value
            return sorted([[canonical(k, type_.key_type), canonical(v, type_.value_type)] for k, v in pairs])
        case DecimalType():
            return str(Decimal(value).quantize(Decimal(1).scaleb(-type_.scale), context=_EXACT))
    return _SCALARS.get(type(type_), _same)(value)


def _same(value: Any) -> Any:
    return value


def _float(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _hex(value: bytes | str) -> str:
    return value.encode().hex() if isinstance(value, str) else bytes(value).hex()


def _uuid(value: UUID | bytes | str) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.hex if isinstance(value, UUID) else UUID(value).hex


def _naive(value: datetime) -> str:
    return value.replace(tzinfo=None).isoformat(timespec="microseconds")


def _zoned(value: datetime) -> str:
    return _naive(value.astimezone(UTC)) + "Z" if value.tzinfo else f"{_naive(value)} without a zone"


def _date(value: date) -> str:
    return value.isoformat()


def _time(value: time | int) -> str:
    if isinstance(value, int):  # chDB gives whole seconds of the day
        value = (datetime.min.replace(tzinfo=UTC) + timedelta(seconds=value)).time()
    return value.isoformat(timespec="microseconds")


_SCALARS: dict[type[IcebergType], Callable[[Any], Any]] = {
    FloatType: _float,
    DoubleType: _float,
    StringType: _text,
    BinaryType: _hex,
    FixedType: _hex,
    UUIDType: _uuid,
    TimestampType: _naive,
    TimestamptzType: _zoned,
    DateType: _date,
    TimeType: _time,
}
