"""The leaf columns of a table, as Parquet names them, with the values below nested types laid flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


def leaves(rows: pa.Table) -> Iterator[tuple[str, pa.Array[Any]]]:
    """Yield the path of each leaf (`a.b`, `a.list.element`, `a.key_value.key`) and its values, or nulls."""
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        yield from _below(name, column.combine_chunks())


def _below(path: str, array: Any) -> Iterator[tuple[str, pa.Array[Any]]]:
    import pyarrow as pa
    from pyarrow import types

    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    type_ = array.type
    if types.is_struct(type_):
        for field, child in zip(type_, array.flatten(), strict=True):
            yield from _below(f"{path}.{field.name}", child)
    elif types.is_map(type_):
        yield from _below(f"{path}.key_value.key", array.keys)
        yield from _below(f"{path}.key_value.value", array.items)
    elif types.is_list(type_) or types.is_large_list(type_):
        yield from _below(f"{path}.list.element", array.flatten())
    else:
        yield path, array
