"""Logs of keys that did not fit memory, on disk in parts that do."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dativo_protocol.keys import KeyLog
from target_parquet.errors import store_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_PARTS = 32


class SpilledLog:
    """Logs one after the other, each cut into the same parts by key.

    Args:
        directory: where the files go, removed by `close`; None takes the system's for temporary files.

    Raises:
        StoreError: nothing can be written there.
    """

    def __init__(self, directory: Path | None) -> None:
        try:
            self._directory = Path(tempfile.mkdtemp(prefix="keys-", dir=directory))
        except OSError as error:
            raise store_error(f"write to {directory or tempfile.gettempdir()}", error) from error
        self._logs = 0

    def add(self, log: KeyLog) -> None:
        """Write a log, which came after those before.

        Raises:
            StoreError: the disk refuses it.
        """
        import pyarrow as pa

        overtaken = log.overtaken()
        try:
            with pa.ipc.new_file(self._path("overtaken", self._logs), overtaken.schema) as sink:
                sink.write_batch(overtaken)
            with pa.ipc.new_file(self._path("rows", self._logs), log.slice(0, 0).schema) as sink:
                for part in range(_PARTS):
                    sink.write_batch(log.bucket(part, _PARTS))
        except OSError as error:
            raise store_error(f"write keys to {self._directory}", error) from error
        self._logs += 1

    def parts(self, schema: pa.Schema) -> Iterator[KeyLog]:
        """One log for each part, over all that were written; each is closed when the next is asked for.

        Raises:
            StoreError: what was written cannot be read back.
        """
        try:
            for part in range(_PARTS):
                with KeyLog(schema) as log:
                    for number in range(self._logs):
                        log.put(self._read("rows", number, part))
                    yield log
        except OSError as error:
            raise store_error(f"read keys from {self._directory}", error) from error

    def overtaken(self) -> Iterator[pa.RecordBatch]:
        """The rows that were overtaken within each log that was written.

        Raises:
            StoreError: what was written cannot be read back.
        """
        try:
            for number in range(self._logs):
                yield self._read("overtaken", number, 0)
        except OSError as error:
            raise store_error(f"read keys from {self._directory}", error) from error

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _read(self, kind: str, log: int, batch: int) -> pa.RecordBatch:
        import pyarrow as pa

        with pa.memory_map(self._path(kind, log)) as source, pa.ipc.open_file(source) as reader:
            return reader.get_batch(batch)

    def _path(self, kind: str, log: int) -> str:
        return str(self._directory / f"{log:06d}.{kind}")
