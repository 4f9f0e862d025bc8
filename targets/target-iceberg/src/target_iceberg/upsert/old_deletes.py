"""Rows that position-delete files of a table have deleted before."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.kernels import distinct, equal_to
from target_iceberg.upsert.positions import merge, no_positions

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.kernels import Positions, Values
    from target_iceberg.upsert.live_files import LiveFile

_PATH_ID, _POSITION_ID = 2147483546, 2147483545
_CACHED_ROWS = 4 << 20


class OldDeletes:
    """Reads position-delete files; those about several data files are kept, up to a number of rows.

    Args:
        table: whose they are.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._cache: dict[str, dict[str, Positions]] = {}
        self._cached = 0
        self._lock = threading.Lock()

    def positions(self, live: LiveFile) -> Positions:
        """The positions of a data file whose rows are deleted, in order.

        Raises:
            UnreadableTableError: a delete file cannot be read.
        """
        found = [self._of(delete).get(live.path) for delete in live.deletes]
        positions = [each for each in found if each is not None]
        return merge(*positions) if positions else no_positions()

    def _of(self, delete: DataFile) -> dict[str, Positions]:
        with self._lock:
            if delete.file_path in self._cache:
                return self._cache[delete.file_path]
        read = self._read(delete)
        if len(read) > 1:
            with self._lock:
                self._cached += delete.record_count
                if self._cached > _CACHED_ROWS:
                    self._cache.clear()
                    self._cached = delete.record_count
                self._cache[delete.file_path] = read
        return read

    def _read(self, delete: DataFile) -> dict[str, Positions]:
        """Positions by the path of the data file."""
        import pyarrow as pa

        found: dict[str, list[Values]] = {}
        with open_data_file(self._table, delete) as reader:
            # Some writers leave the ids out; the names are the specification's.
            path, position = reader.names.get(_PATH_ID, "file_path"), reader.names.get(_POSITION_ID, "pos")
            for _, batch in reader.batches([path, position]):
                paths, positions = batch.column(path), batch.column(position).cast(pa.int64())
                for each in distinct(paths):
                    own = positions.filter(equal_to(paths, each))
                    found.setdefault(each, []).append(own)
        return {each: pa.concat_arrays(parts) for each, parts in found.items()}
