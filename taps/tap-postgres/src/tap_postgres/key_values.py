"""Values of replication keys: Arrow -> STATE -> SQL, exactly."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg import sql

_UTC = "+00:00"
_HEX = r"\x"
"""What bytes begin with that are written as hexadecimal digits."""


def is_temporal(sql_type: str, type_: pa.DataType) -> bool:
    """Whether values are dates or moments.

    Args:
        sql_type: of the column, as `format_type` writes it; the name of a domain does not tell.
        type_: that it is read as; text does not tell.
    """
    import pyarrow as pa

    is_named_so = sql_type == "date" or sql_type.startswith("timestamp")
    return is_named_so or pa.types.is_date(type_) or pa.types.is_timestamp(type_)


def last_value(column: pa.Array[Any], *, is_temporal: bool) -> pa.Scalar[Any] | None:
    """Return the last value of a sorted column that tells how far it was read; None if none does.

    Nulls do not, nor does the end of time: infinite dates have become it, and whatever comes later in the
    source would sort before it.

    Args:
        column: of a batch.
        is_temporal: its values are dates or moments, be it as text.
    """
    import pyarrow.compute as pc

    known = column.drop_null()
    if is_temporal:
        known = known.filter(pc.not_equal(known, _end_of_time(column.type)))
    return known[-1] if len(known) else None


def _end_of_time(type_: pa.DataType) -> pa.Scalar[Any]:
    import pyarrow as pa

    if pa.types.is_string(type_):
        return pa.scalar("infinity", type_)
    if pa.types.is_date(type_):
        return pa.scalar(dt.date.max, type_)
    zone = dt.UTC if isinstance(type_, pa.TimestampType) and type_.tz else None
    return pa.scalar(dt.datetime.max.replace(tzinfo=zone), type_)


def state_value(scalar: pa.Scalar[Any]) -> int | float | str:
    """Return a value as a bookmark has it; moments without zone count as UTC, as for both predecessors."""
    value = scalar.as_py()
    match value:
        case int() | float() | str():
            return value
        case Decimal():
            return format(value, "f")
        case bytes():
            return _HEX + value.hex()
        case dt.datetime():
            return value.isoformat() if value.tzinfo else value.isoformat() + _UTC
        case dt.date():
            return value.isoformat()
        case _:
            return str(value)


def literal(value: Any, sql_type: str) -> sql.Composable:
    """Return a bookmark's value as SQL.

    Args:
        value: of a STATE: a number or text.
        sql_type: of the column, as `format_type` writes it.
    """
    from psycopg import sql

    text = value if isinstance(value, str) else repr(value)
    if sql_type == "bytea" and not text.startswith(_HEX):  # as `bytea_as: hex` has it
        text = _HEX + text
    return sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(sql_type))
