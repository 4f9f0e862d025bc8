"""Notes which key stands where while an epoch's files are written."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol.keys import NO_FILE
from dativo_protocol.keys import KeyLog as NativeKeyLog

from target_iceberg.upsert.epoch_keys import EpochKeysWriter
from target_iceberg.upsert.kernels import constant, numbers
from target_iceberg.upsert.spilled import SpilledLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from target_iceberg.upsert.kernels import Values
    from target_iceberg.upsert.key_columns import KeyColumns

DEFAULT_MEMORY = 96 << 20

_SLICE_ROWS = 1 << 17


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """What an epoch's rows came to.

    Attributes:
        keys: different keys, deleted ones too.
        deleted: keys whose last word was a deletion.
        overtaken: rows in the epoch's files that a later row or deletion made void.
    """

    keys: int
    deleted: int
    overtaken: int


class KeyLog:
    """The keys of one stream in one epoch; several threads may use it.

    Memory is the bytes of the different keys and some 24 (text: 32) for each, up to a limit; what is beyond
    it waits in files, of which every 32nd part has to fit the limit again when the epoch ends.

    Args:
        columns: that make the key.
        memory_bytes: the limit.
        spill: directory for what is beyond it; None takes the one that `TMPDIR` names.
    """

    def __init__(
        self, columns: KeyColumns, *, memory_bytes: int = DEFAULT_MEMORY, spill: Path | None = None
    ) -> None:
        self._columns = columns
        self._memory = memory_bytes
        self._spill_directory = spill
        self._spilled: SpilledLog | None = None
        self._native = NativeKeyLog(columns.schema)
        self._files: dict[str, int] = {}
        self._rows: list[int] = []
        self._lock = threading.Lock()

    def rows(self, file: str, rows: pa.Table | pa.RecordBatch, order: int | Values) -> None:
        """Note rows that are appended to a file.

        Args:
            file: the path that the table will know it by.
            rows: with the key columns, in the order in which they stand in the file.
            order: tells which of two rows with one key came later: the number of the first of these rows, if
                those that follow have the next numbers, or an int64 for each. Of equal ones the last noted
                counts.

        Raises:
            UnusableKeyError: a key is null or NaN.
        """
        with self._lock:
            number = self._files.setdefault(file, len(self._files))
            if number == len(self._rows):
                self._rows.append(0)
            for batch, orders in _batches(rows, order):
                self._put(batch, number, self._rows[number], orders)
                self._rows[number] += batch.num_rows

    def tombstones(self, rows: pa.Table | pa.RecordBatch, order: int | Values) -> None:
        """Note that the source has deleted these keys; as `rows`, without a file.

        Raises:
            UnusableKeyError: a key is null or NaN.
        """
        with self._lock:
            for batch, orders in _batches(rows, order):
                self._put(batch, NO_FILE, 0, orders)

    def finish(self, sink: pa.NativeFile) -> KeyCounts:
        """Write what `EpochKeys` reads, as one Parquet file, and forget everything, written or not."""
        with self._lock:
            try:
                return self._write(sink)
            finally:
                self.close()

    def _write(self, sink: pa.NativeFile) -> KeyCounts:
        with EpochKeysWriter(sink, self._columns, list(self._files)) as writer:
            parts = self._parts()
            for batch in self._spilled.overtaken() if self._spilled is not None else ():
                writer.overtaken(batch)
            for log in parts:
                writer.overtaken(log.overtaken())
                for first in range(0, log.count().keys, _SLICE_ROWS):
                    writer.last_rows(log.slice(first, _SLICE_ROWS))
        return KeyCounts(writer.keys, writer.deleted, writer.overtaken_rows)

    @property
    def bytes_on_disk(self) -> int:
        """What memory did not take."""
        return self._spilled.bytes if self._spilled is not None else 0

    def close(self) -> None:
        """Forget everything."""
        self._native.close()
        if self._spilled is not None:
            self._spilled.close()

    def _put(self, batch: pa.RecordBatch, file: int, first: int, orders: Values) -> None:
        import pyarrow as pa

        keys, count = self._columns.of_rows(batch), batch.num_rows
        files = constant(file, pa.uint32(), count)
        columns = [*keys.columns, files, numbers(first, count).cast(pa.uint32()), orders]
        self._native.put(pa.RecordBatch.from_arrays(columns, [*self._columns.schema.names, *_PLACE]))
        if self._native.count().bytes > self._memory:
            self._spill()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = SpilledLog(self._spill_directory)
        self._spilled.add(self._native)
        self._native.close()
        self._native = NativeKeyLog(self._columns.schema)

    def _parts(self) -> Iterable[NativeKeyLog]:
        """Logs that have no key in common, and together all of them."""
        if self._spilled is None:
            return [self._native]
        self._spill()
        return self._spilled.parts(self._columns.schema)


_PLACE = ("file", "position", "order")


def _batches(rows: pa.Table | pa.RecordBatch, order: int | Values) -> Iterator[tuple[pa.RecordBatch, Values]]:
    """The batches of rows, each with the order of its rows."""
    import pyarrow as pa

    orders = numbers(order, rows.num_rows) if isinstance(order, int) else order.cast(pa.int64())
    first = 0
    for batch in rows.to_batches() if isinstance(rows, pa.Table) else [rows]:
        yield batch, orders.slice(first, batch.num_rows)
        first += batch.num_rows
