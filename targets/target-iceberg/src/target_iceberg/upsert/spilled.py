"""Logs of keys that did not fit memory, on disk in parts that do."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, cast

from dativo_protocol.keys import KeyLog
from target_parquet.errors import store_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import IOBase
    from pathlib import Path

    import pyarrow as pa

_PARTS = 32


class SpilledLog:
    """Logs one after the other, each cut into the same parts by key.

    They are in one file without a name, so that it goes with the process, however that ends.

    Args:
        directory: whose disk takes the file; None takes the system's for temporary files (`TMPDIR`).

    Raises:
        StoreError: nothing can be written there.
    """

    def __init__(self, directory: Path | None) -> None:
        self._place = str(directory or tempfile.gettempdir())
        try:
            self._file = cast("IOBase", tempfile.TemporaryFile(prefix="keys-", dir=directory))  # noqa: SIM115
        except OSError as error:
            raise store_error(f"write to {self._place}", error) from error
        self._overtaken: list[int] = []
        self._rows: list[list[int]] = []

    @property
    def bytes(self) -> int:
        """On disk."""
        return self._file.seek(0, os.SEEK_END)

    def add(self, log: KeyLog) -> None:
        """Write a log, which came after those before.

        Raises:
            StoreError: the disk refuses it.
        """
        try:
            self._overtaken.append(self._write(log.overtaken()))
            self._rows.append([self._write(log.bucket(part, _PARTS)) for part in range(_PARTS)])
            self._file.flush()
        except OSError as error:
            raise store_error(f"write keys to {self._place}", error) from error

    def parts(self, schema: pa.Schema) -> Iterator[KeyLog]:
        """One log for each part, over all that were written; each is closed when the next is asked for.

        Raises:
            StoreError: what was written cannot be read back.
        """
        try:
            for part in range(_PARTS):
                with KeyLog(schema) as log:
                    for places in self._rows:
                        log.put(self._read(places[part]))
                    yield log
        except OSError as error:
            raise store_error(f"read keys from {self._place}", error) from error

    def overtaken(self) -> Iterator[pa.RecordBatch]:
        """The rows that were overtaken within each log that was written.

        Raises:
            StoreError: what was written cannot be read back.
        """
        try:
            for place in self._overtaken:
                yield self._read(place)
        except OSError as error:
            raise store_error(f"read keys from {self._place}", error) from error

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def _write(self, batch: pa.RecordBatch) -> int:
        """Add a batch; returns where it begins."""
        import pyarrow as pa

        start = self._file.seek(0, os.SEEK_END)
        with pa.ipc.new_stream(self._file, batch.schema) as sink:
            sink.write_batch(batch)
        return start

    def _read(self, place: int) -> pa.RecordBatch:
        import pyarrow as pa

        self._file.seek(place)
        with pa.ipc.open_stream(self._file) as source:
            return source.read_next_batch()
