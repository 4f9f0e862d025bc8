"""The keys of an epoch as a file, so that any process can find out which rows of the table they replace.

A Parquet file with the columns of the key, and `_file` and `_position`. A row group has either keys (and no
position) or rows of the epoch's own files that were overtaken (and no key). Its footer says which, and names
the files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol.keys import NO_FILE
from target_parquet.errors import store_error

from target_iceberg.upsert.kernels import count_true, distinct, equal_to
from target_iceberg.upsert.positions import merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self

    import pyarrow as pa
    from pyarrow import parquet

    from target_iceberg.upsert.kernels import Positions, Values
    from target_iceberg.upsert.key_columns import KeyColumns

_ABOUT = "dativo.keys"
_PLACE = ("_file", "_position")
_KEYS, _OVERTAKEN = "keys", "overtaken"


class EpochKeysWriter:
    """Writes the file.

    Args:
        sink: where to; it is closed with the block.
        columns: of the key.
        files: the epoch's own, by the numbers that rows have.

    Raises:
        StoreError: the destination refuses the bytes.
    """

    def __init__(self, sink: pa.NativeFile, columns: KeyColumns, files: list[str]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.keys = self.deleted = self.overtaken_rows = 0
        keys = [field.with_nullable(nullable=True) for field in columns.schema]
        place = [pa.field(_PLACE[0], pa.uint32()), pa.field(_PLACE[1], pa.uint32())]
        self._schema = pa.schema([*keys, *place])
        self._files = files
        self._groups: list[str] = []
        self._sink = sink
        self._writer = parquet.ParquetWriter(sink, self._schema, compression="zstd", use_dictionary=False)

    def last_rows(self, rows: pa.RecordBatch) -> None:
        """Add keys, from rows as a log of keys gives them."""
        names = self._schema.names[: -len(_PLACE)]
        self.keys += rows.num_rows
        self.deleted += count_true(equal_to(rows.column("file"), NO_FILE))
        self._add(_KEYS, {name: rows.column(name) for name in names}, rows.num_rows)

    def overtaken(self, rows: pa.RecordBatch) -> None:
        """Add rows that were overtaken, as a log of keys gives them."""
        self.overtaken_rows += rows.num_rows
        place = {_PLACE[0]: rows.column("file"), _PLACE[1]: rows.column("position")}
        self._add(_OVERTAKEN, place, rows.num_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._writer.is_open = False  # or its destructor would write a footer, as if it were complete
            return
        about = {"files": self._files, "groups": self._groups, "keys": self.keys, "deleted": self.deleted}
        try:
            self._writer.add_key_value_metadata({_ABOUT: json.dumps(about)})
            self._writer.close()
            self._sink.close()
        except OSError as error:
            raise store_error("finish the file of an epoch's keys", error) from error

    def _add(self, kind: str, columns: Mapping[str, Values], rows: int) -> None:
        import pyarrow as pa

        if not rows:
            return
        arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in self._schema]
        try:
            self._writer.write_batch(
                pa.RecordBatch.from_arrays(arrays, schema=self._schema), row_group_size=rows
            )
        except OSError as error:
            raise store_error("write the file of an epoch's keys", error) from error
        self._groups.append(kind)


@dataclass(frozen=True, slots=True)
class _About:
    files: tuple[str, ...]
    groups: tuple[str, ...]
    keys: int
    deleted: int


class EpochKeys:
    """The keys of one stream in one epoch, and the rows of its own files that were overtaken.

    Args:
        source: the file that `KeyLog.finish` wrote; stays open as long as this is used.

    Raises:
        StoreError: it cannot be read, or is no such file.
    """

    def __init__(self, source: pa.NativeFile) -> None:
        from pyarrow import parquet

        try:
            self._file: parquet.ParquetFile = parquet.ParquetFile(source)
            about = json.loads((self._file.metadata.metadata or {})[_ABOUT.encode()])
        except (OSError, KeyError, ValueError) as error:
            raise store_error("read the file of an epoch's keys", OSError(str(error))) from error
        self._about = _About(tuple(about["files"]), tuple(about["groups"]), about["keys"], about["deleted"])

    @property
    def count(self) -> int:
        """Different keys, deleted ones too."""
        return self._about.keys

    @property
    def deleted(self) -> int:
        """Keys whose last word was a deletion."""
        return self._about.deleted

    @property
    def types(self) -> tuple[pa.DataType, ...]:
        """Types of the key's columns, as the epoch had them."""
        return tuple(field.type for field in self._file.schema_arrow if field.name not in _PLACE)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The keys, a portion at a time, each key once.

        Raises:
            StoreError: the file cannot be read.
        """
        names = [name for name in self._file.schema_arrow.names if name not in _PLACE]
        for group, kind in enumerate(self._about.groups):
            if kind == _KEYS:
                yield from self._read(group, names)

    def overtaken(self) -> dict[str, Positions]:
        """Positions in the epoch's own files, by path and in order, whose rows must not be seen.

        Raises:
            StoreError: the file cannot be read.
        """
        import pyarrow as pa

        found: dict[str, list[Values]] = {}
        groups = [group for group, kind in enumerate(self._about.groups) if kind == _OVERTAKEN]
        for batch in (each for group in groups for each in self._read(group, list(_PLACE))):
            files, positions = batch.columns
            for number in distinct(files):
                own = positions.filter(equal_to(files, number))
                found.setdefault(self._about.files[number], []).append(own)
        return {file: merge(pa.concat_arrays(parts).cast(pa.int64())) for file, parts in found.items()}

    def _read(self, group: int, names: list[str]) -> list[pa.RecordBatch]:
        try:
            return self._file.read_row_group(group, columns=names, use_threads=False).to_batches()
        except OSError as error:
            raise store_error("read the file of an epoch's keys", error) from error
