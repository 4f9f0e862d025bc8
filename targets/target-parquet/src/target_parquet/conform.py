"""From a decoded batch to the columns its file has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from target_parquet.schema_evolution import Evolved


def conform(batch: pa.RecordBatch, stamps: Sequence[pa.Array[Any]], evolved: Evolved) -> pa.RecordBatch:
    """Arrange the columns of a batch, and those that came on top, as `evolved` says.

    Columns are shared, not copied, unless their type was widened.
    """
    import pyarrow as pa

    columns = [*batch.columns, *stamps]
    return pa.RecordBatch.from_arrays(
        [
            pa.nulls(batch.num_rows, field.type) if source is None else _widened(columns[source], field.type)
            for field, source in zip(evolved.file, evolved.sources, strict=True)
        ],
        schema=evolved.file,
    )


def _widened(column: pa.Array[Any], type_: pa.DataType) -> pa.Array[Any]:
    return column if column.type == type_ else column.cast(type_)
