"""What the entries of data files say about the values in them, decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.types import IcebergType, NestedField

_NARROW = 4  # bytes of an int or a float


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of one column of a file.

    Attributes:
        least: a value that no other is less than, None if unknown.
        greatest: a value that no other is greater than, None if unknown.
        nulls: rows without a value, None if unknown.
        rows: of the file.
    """

    least: Any
    greatest: Any
    nulls: int | None
    rows: int

    @property
    def only_nulls(self) -> bool:
        """Whether no row is known to have a value."""
        return self.nulls is not None and self.nulls >= self.rows


def bounds_of(file: DataFile, column: NestedField) -> Bounds:
    """What a file's entry says of a column, whose type may have been a narrower one when it was written."""
    return Bounds(
        least=_decoded((file.lower_bounds or {}).get(column.field_id), column.field_type),
        greatest=_decoded((file.upper_bounds or {}).get(column.field_id), column.field_type),
        nulls=(file.null_value_counts or {}).get(column.field_id),
        rows=file.record_count,
    )


def _decoded(data: bytes | None, kind: IcebergType) -> Any:
    from pyiceberg.conversions import from_bytes
    from pyiceberg.types import DoubleType, FloatType, IntegerType, LongType, PrimitiveType

    if data is None or not isinstance(kind, PrimitiveType):
        return None
    if len(data) == _NARROW and isinstance(kind, LongType):
        kind = IntegerType()
    elif len(data) == _NARROW and isinstance(kind, DoubleType):
        kind = FloatType()
    try:
        value = from_bytes(kind, data)
    except ValueError:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value
