"""Where the keys looked for can be, so that most files and row groups need not be read."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from target_iceberg.upsert.kernels import in_order

if TYPE_CHECKING:
    import pyarrow as pa

    from target_iceberg.upsert.kernels import Values

_SORTED_BYTES = 16 << 20


class KeyRanges:
    """The values of each column of some keys.

    Few enough of them are kept in order, so that a range between two of them is known to have none; of more
    only the least and the greatest are known.
    """

    def __init__(self) -> None:
        self._columns: list[_Range] = []

    def add(self, keys: pa.RecordBatch) -> None:
        """Take more of the keys that are looked for."""
        self._columns = self._columns or [_Range() for _ in keys.columns]
        for known, values in zip(self._columns, keys.columns, strict=True):
            known.add(values)

    def may_have(self, column: int, least: Any, greatest: Any) -> bool:
        """Whether a key has a value of that column in a range; None for an end that is not known.

        The ends are as Parquet and Iceberg bounds have them: dates and times are numbers of days or
        microseconds.
        """
        return self._columns[column].any_between(least, greatest)


class _Range:
    """The values of one column."""

    def __init__(self) -> None:
        self._least: Any = None
        self._greatest: Any = None
        self._is_ordered = True
        self._kept: list[Values] | None = []
        self._sorted: Values | None = None

    def add(self, values: Values) -> None:
        from pyarrow import compute

        comparable = _comparable(values)
        if comparable is None or not len(values):
            self._is_ordered = self._is_ordered and comparable is not None
            return
        ends: Any = compute.min_max(comparable).as_py()
        self._least = ends["min"] if self._least is None else min(self._least, ends["min"])
        self._greatest = ends["max"] if self._greatest is None else max(self._greatest, ends["max"])
        if self._kept is not None:
            self._kept.append(comparable)
            if sum(each.nbytes for each in self._kept) > _SORTED_BYTES:
                self._kept = None
        self._sorted = None

    def any_between(self, least: Any, greatest: Any) -> bool:
        if not self._is_ordered or self._least is None:
            return True
        if (least is not None and self._greatest < least) or (
            greatest is not None and greatest < self._least
        ):
            return False
        if self._kept is None or least is None or greatest is None:
            return True
        ordered = self._in_order(self._kept)
        first = bisect_left(range(len(ordered)), least, key=lambda at: ordered[at].as_py())
        return first < len(ordered) and bool(ordered[first].as_py() <= greatest)

    def _in_order(self, kept: list[Values]) -> Values:
        import pyarrow as pa

        if self._sorted is None:
            self._sorted = in_order(pa.concat_arrays(kept))
        return self._sorted


def _comparable(values: Values) -> Values | None:
    """The values as bounds have them; None for a type whose bounds do not follow its order everywhere."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_date32(kind):
        return values.cast(pa.int32())
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return values.cast(pa.int64())
    ordered = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_string, pa.types.is_floating)
    return values if any(test(kind) for test in ordered) else None
