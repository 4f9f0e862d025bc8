"""Tells rows that a source says it has deleted from those that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_iceberg.upsert.kernels import numbers

if TYPE_CHECKING:
    import pyarrow as pa

    from target_iceberg.upsert.kernels import Values

DELETED_AT = "_sdc_deleted_at"


@dataclass(frozen=True, slots=True)
class SplitRows:
    """Rows that stay and rows that are deletions, each with the numbers of their arrival (int64)."""

    rows: pa.RecordBatch
    rows_order: Values
    deleted: pa.RecordBatch
    deleted_order: Values


def split_deleted(batch: pa.RecordBatch, first: int) -> SplitRows:
    """Split rows by whether `_sdc_deleted_at` has a value; without the column none is a deletion.

    Args:
        batch: in order of arrival.
        first: number of its first row.
    """
    from pyarrow import compute

    order = numbers(first, batch.num_rows)
    at = batch.schema.get_field_index(DELETED_AT)
    if at < 0 or batch.column(at).null_count == batch.num_rows:
        return SplitRows(batch, order, batch.slice(0, 0), order.slice(0, 0))
    deleted = compute.is_valid(batch.column(at))
    kept = compute.invert(deleted)
    return SplitRows(batch.filter(kept), order.filter(kept), batch.filter(deleted), order.filter(deleted))
