"""What a reader's own types cannot hold, so that no writer can make it say: expected rows as it sees them.

ClickHouse has no NULL for structs, lists and maps and reads times of day as whole seconds. pyiceberg turns
lists of structs that are NULL into empty ones, in reading and in writing. Spark has no times of day, and
refuses a table that has any.
"""

from collections.abc import Callable
from typing import Any

from pyiceberg.types import IcebergType, ListType, MapType, StructType, TimeType


def seen_by(reader: str, value: Any, type_: IcebergType) -> Any:
    """A canonical value as this reader, at its best, gives it."""
    limit = _LIMITS.get(reader)
    return limit(value, type_) if limit else value


def refuses(reader: str, type_: IcebergType) -> bool:
    """Whether this reader takes no table in which the type stands, whatever else there is."""
    if reader != "spark":
        return False
    match type_:
        case StructType():
            return any(refuses(reader, field.field_type) for field in type_.fields)
        case ListType():
            return refuses(reader, type_.element_type)
        case MapType():
            return refuses(reader, type_.value_type)
    return isinstance(type_, TimeType)


def _in_clickhouse(value: Any, type_: IcebergType) -> Any:
    match type_:
        case StructType():
            members = value or {}
            return {f.name: _in_clickhouse(members.get(f.name), f.field_type) for f in type_.fields}
        case ListType():
            return [_in_clickhouse(item, type_.element_type) for item in value or []]
        case MapType():
            return [[k, _in_clickhouse(v, type_.value_type)] for k, v in value or []]
        case TimeType() if value is not None:
            return value[:8] + ".000000"
    return value


def _in_pyiceberg(value: Any, type_: IcebergType) -> Any:
    match type_:
        case StructType() if value is not None:
            return {f.name: _in_pyiceberg(value[f.name], f.field_type) for f in type_.fields}
        case ListType():
            if value is None:
                return [] if isinstance(type_.element_type, StructType) else None
            return [_in_pyiceberg(item, type_.element_type) for item in value]
    return value


_LIMITS: dict[str, Callable[[Any, IcebergType], Any]] = {
    "chdb": _in_clickhouse,
    "pyiceberg": _in_pyiceberg,
}
