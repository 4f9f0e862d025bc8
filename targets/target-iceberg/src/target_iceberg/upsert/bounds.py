"""What the entries of data files say about the values in them, decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.types import IcebergType

_WIDTHS = {"long": 8, "double": 8}


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


def bounds_of(file: DataFile, field_id: int, kind: IcebergType) -> Bounds:
    """What a file's entry says of a column that has the type `kind` now, and may have had a narrower one."""
    return Bounds(
        least=_decoded((file.lower_bounds or {}).get(field_id), kind),
        greatest=_decoded((file.upper_bounds or {}).get(field_id), kind),
        nulls=(file.null_value_counts or {}).get(field_id),
        rows=file.record_count,
    )


def _decoded(data: bytes | None, kind: IcebergType) -> Any:
    from pyiceberg.conversions import from_bytes
    from pyiceberg.types import DoubleType, FloatType, IntegerType, LongType

    if data is None:
        return None
    if len(data) < _WIDTHS.get(str(kind), 0):
        kind = {LongType(): IntegerType(), DoubleType(): FloatType()}[kind]
    try:
        value = from_bytes(kind, data)
    except ValueError:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value
