"""Splitting a batch by the values of its partition columns.

No Python object is made for a row: rows are sorted by a number that stands for their combination of values,
and each run of equal numbers is copied out. The copy is on purpose, since a slice would keep the memory of
the whole batch for as long as the last rare value of it waits for its row group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from target_parquet.errors import LayoutError
from target_parquet.names import partition_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa


class Partitioning:
    """The partition columns of one stream's batches.

    Args:
        columns: names, outermost directory first.
        schema: of the batches.
        stream: name for errors.

    Raises:
        LayoutError: a column is missing, or has a type whose values do not make directory names.
    """

    def __init__(self, columns: Sequence[str], schema: pa.Schema, *, stream: str) -> None:
        self._columns = tuple(columns)
        for name in self._columns:
            _check(name, schema, stream)

    def split(self, batch: pa.RecordBatch, rows: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the Hive directory ("" if there are no columns) and the rows of each combination of values.

        Args:
            batch: has the partition columns.
            rows: what is divided, row by row as `batch`; rows keep their order within a directory.

        Raises:
            LayoutError: a value makes no directory name.
        """
        if not self._columns:
            yield "", rows
            return
        import pyarrow.compute as pc

        keys = [_Key(name, batch.column(name)) for name in self._columns]
        codes = _combined(keys)
        order = pc.array_sort_indices(codes)
        runs = pc.run_end_encode(codes.take(order))  # type: ignore[attr-defined]
        start = 0
        for end, code in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            whole = end - start == rows.num_rows
            yield _directory(keys, code), rows if whole else rows.take(order.slice(start, end - start))
            start = end


class _Key:
    """One partition column of one batch, as numbers into its distinct values."""

    def __init__(self, name: str, values: pa.Array[Any]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        encoded = cast("pa.DictionaryArray[Any, Any]", pc.dictionary_encode(values, null_encoding="encode"))
        self.name = name
        self.codes = encoded.indices.cast(pa.int64())
        self.texts: list[str | None] = encoded.dictionary.cast(pa.string()).to_pylist()


def _combined(keys: Sequence[_Key]) -> pa.Array[Any]:
    import pyarrow.compute as pc

    codes = keys[0].codes
    for key in keys[1:]:
        codes = pc.add(pc.multiply(codes, len(key.texts)), key.codes)
    return codes


def _directory(keys: Sequence[_Key], code: int) -> str:
    names = []
    for key in reversed(keys):
        code, at = divmod(code, len(key.texts))
        names.append(partition_directory(key.name, key.texts[at]))
    return "/".join(reversed(names))


def _check(name: str, schema: pa.Schema, stream: str) -> None:
    if name not in schema.names:
        raise LayoutError(
            f"partition_by: stream {stream!r} has no column {name!r}",
            instruction='Name the columns of each stream: {"<stream>": ["<column>"]}.',
        )
    if name.startswith(("_", ".")):
        raise LayoutError(
            f"partition_by: readers take a directory for hidden whose name begins as {name!r} does"
        )
    if not _has_short_text(schema.field(name)):
        raise LayoutError(
            f"partition_by: values of column {name!r} of stream {stream!r} do not make directory names",
            instruction="Partition by booleans, integers, decimals, strings, dates or times.",
        )


def _has_short_text(field: pa.Field[Any]) -> bool:
    from pyarrow import types

    from target_parquet.type_merge import is_json_text

    kinds = (
        types.is_boolean,
        types.is_integer,
        types.is_decimal,
        types.is_string,
        types.is_temporal,
    )
    return not is_json_text(field) and any(is_kind(field.type) for is_kind in kinds)
