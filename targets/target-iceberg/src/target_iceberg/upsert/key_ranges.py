"""Where the keys looked for can be, so that most files and row groups need not be read."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_SORTED_BYTES = 16 << 20


class KeyRanges:
    """The values of each column of some keys.

    Few enough of them are kept in order, so that a range between two of them is known to have none; of more only
    the least and the greatest are known.

    Args:
        keys: all keys looked for, in portions.
    """

    def __init__(self, keys: Sequence[pa.RecordBatch]) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(keys)
        self._columns = [_Values(table.column(at)) for at in range(table.num_columns)]

    def may_have(self, column: int, least: Any, greatest: Any) -> bool:
        """Whether a key has a value of that column in a range; None for an end that is not known.

        The ends are as Parquet and Iceberg bounds have them: numbers of days or microseconds for dates and times.
        """
        return self._columns[column].any_between(least, greatest)


class _Values:
    """The values of one column."""

    def __init__(self, values: pa.ChunkedArray) -> None:
        from pyarrow import compute

        self._sorted: pa.Array | None = None
        self._least = self._greatest = None
        comparable = _comparable(values)
        if comparable is None:
            return
        if comparable.nbytes <= _SORTED_BYTES:
            self._sorted = compute.unique(comparable).sort()
            if len(self._sorted):
                self._least, self._greatest = self._sorted[0].as_py(), self._sorted[-1].as_py()
        else:
            ends = compute.min_max(comparable).as_py()
            self._least, self._greatest = ends["min"], ends["max"]

    def any_between(self, least: Any, greatest: Any) -> bool:
        if self._least is None or self._greatest is None:
            return True
        if (least is not None and self._greatest < least) or (
            greatest is not None and greatest < self._least
        ):
            return False
        if self._sorted is None or least is None or greatest is None:
            return True
        ordered = self._sorted
        first = bisect_left(range(len(ordered)), least, key=lambda at: ordered[at].as_py())
        return first < len(ordered) and bool(ordered[first].as_py() <= greatest)


def _comparable(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The values as bounds have them; None for a type whose bounds do not follow its order everywhere."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_date32(kind):
        return values.cast(pa.int32())
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return values.cast(pa.int64())
    ordered = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_string, pa.types.is_floating)
    return values if any(test(kind) for test in ordered) else None
