"""What the files of a stream that are already there look like."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from target_parquet.errors import LayoutError, StoreError
from target_parquet.names import partition_key
from target_parquet.type_merge import merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from target_parquet.storage import Store

# Every file has all columns its run knew of. Older ones are looked at because two runs at the same time do
# not know of each other's new columns.
_FILES = 16


def published_schema(store: Store, directory: str) -> pa.Schema | None:
    """Unite the schemas of the newest files below a directory; None if there are none.

    Raises:
        StoreError: a file cannot be read as Parquet.
    """
    import pyarrow as pa

    names = store.newest(directory, _FILES)
    columns: dict[str, pa.Field[Any]] = {}
    for name in names:
        for field in _read_schema(store, name):
            known = columns.get(field.name, field)
            columns[field.name] = merge(known, field) or known
    return pa.schema(list(columns.values())) if names else None


def check_partitions(store: Store, directory: str, columns: Sequence[str]) -> None:
    """Hold the partition columns of a run to those of the files that are already there.

    Raises:
        LayoutError: they differ, and readers would refuse the mixture.
    """
    for name in store.newest(directory, 1):
        found = [part.split("=")[0] for part in PurePosixPath(name).parent.parts if "=" in part]
        wanted = [partition_key(column) for column in columns]
        if found != wanted:
            raise LayoutError(
                f"partition_by: {name} is partitioned by ({', '.join(found)}), not by ({', '.join(wanted)})",
                instruction="Keep partition_by as it was, load into another place, or overwrite the stream.",
            )


def _read_schema(store: Store, name: str) -> pa.Schema:
    import pyarrow as pa
    from pyarrow import parquet

    with store.open_input(name) as file:
        try:
            return parquet.read_schema(file)
        except (pa.ArrowException, OSError) as error:
            raise StoreError(
                f"cannot read the columns of {name}: {error}",
                instruction="Move the file away if it is no Parquet file.",
            ) from error
