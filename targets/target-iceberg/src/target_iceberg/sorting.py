"""Puts rows into the sort order of a table, as the specification compares values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from pyiceberg.table.sorting import SortField, SortOrder

_ALL_BUT_SIGN = {16: 0x7FFF, 32: 0x7FFF_FFFF, 64: 0x7FFF_FFFF_FFFF_FFFF}


@dataclass(frozen=True, slots=True)
class Ordering:
    """Compares rows by the order of a table.

    Attributes:
        order: of the table.
        schema: of the table; its names are those of the rows' columns.
    """

    order: SortOrder
    schema: Schema

    @classmethod
    def of_table(cls, table: Table) -> Ordering | None:
        """That of a table; None if it has none, or one that is about members of structs."""
        order, schema = table.sort_order(), table.schema()
        ids = {field.field_id for field in schema.fields}
        if order.is_unsorted or not ids.issuperset(field.source_id for field in order.fields):
            return None
        return cls(order, schema)

    def keys(self, rows: pa.Table) -> pa.Table:
        """What the rows are compared by, a column for each sort field."""
        import pyarrow as pa

        columns = [self._key(field, rows) for field in self.order.fields]
        return pa.Table.from_arrays(columns, [str(at) for at in range(len(columns))])

    def indices(self, keys: pa.Table) -> pa.Array[Any]:
        """Where the rows stand that come first, second and so on; equal ones keep their order."""
        from pyarrow import compute

        return compute.sort_indices(keys, sort_keys=self._sort_keys())  # type: ignore[arg-type]

    def _sort_keys(self) -> list[tuple[str, str, str]]:
        from pyiceberg.table.sorting import NullOrder, SortDirection

        return [
            (
                str(at),
                "descending" if field.direction == SortDirection.DESC else "ascending",
                "at_start" if field.null_order == NullOrder.NULLS_FIRST else "at_end",
            )
            for at, field in enumerate(self.order.fields)
        ]

    def _key(self, field: SortField, rows: pa.Table) -> pa.Array[Any]:
        source = self.schema.find_field(field.source_id)
        values = rows.column(source.name).combine_chunks()
        return _comparable(field.transform.pyarrow_transform(source.field_type)(values))


class RowSorter:
    """Sorts the row groups of one file, and finds out whether the file as a whole is sorted by that.

    Attributes:
        is_sorted: whether no row group so far began with a row that belongs before the end of the last one.
    """

    def __init__(self, ordering: Ordering) -> None:
        self._ordering = ordering
        self._last: pa.Table | None = None
        self.is_sorted = True

    @property
    def order_id(self) -> int | None:
        """Of the order that the file is in; None if it is in none."""
        return self._ordering.order.order_id if self.is_sorted else None

    def sort(self, rows: pa.Table) -> pa.Table:
        """The rows of the next row group, in order."""
        import pyarrow as pa

        if not rows.num_rows:
            return rows
        whole = rows.combine_chunks()
        keys = self._ordering.keys(whole)
        indices = self._ordering.indices(keys)
        first, last = indices[0].as_py(), indices[-1].as_py()
        if self._last is not None and self.is_sorted:
            border = pa.concat_tables([self._last, keys.slice(first, 1)])
            self.is_sorted = bool(self._ordering.indices(border)[0].as_py() == 0)
        self._last = keys.take([last])  # a slice would keep all keys in memory
        return whole if _ascends(indices) else whole.take(indices)


def _comparable(values: pa.Array[Any] | pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """Values that sort as the specification wants: floats from -NaN to NaN, with -0.0 below 0.0."""
    import pyarrow as pa

    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return _total_order(array) if pa.types.is_floating(array.type) else array


def _total_order(floats: pa.Array[Any]) -> pa.Array[Any]:
    """Integers in the order of the floats: of the bits, all but the sign turned round below zero."""
    import pyarrow as pa
    from pyarrow import compute

    kind = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[floats.type.bit_width]
    numbers: Any = floats.view(kind)
    turned: Any = compute.bit_wise_xor(numbers, pa.scalar(_ALL_BUT_SIGN[floats.type.bit_width], kind))
    ordered: pa.Array[Any] = compute.if_else(compute.less(numbers, pa.scalar(0, kind)), turned, numbers)
    return ordered


def _ascends(indices: pa.Array[Any]) -> bool:
    """Whether the rows are in order already."""
    from pyarrow import compute

    steps: Any = compute.less(indices.slice(0, len(indices) - 1), indices.slice(1))
    return compute.all(steps).as_py() is not False  # null for a single row
