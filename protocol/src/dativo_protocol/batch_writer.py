"""The rows of one stream as BATCH messages (B1): files are written beside the thread that makes the rows."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from dativo_protocol.batch_files import BatchFiles
from dativo_protocol.messages import BatchEncoding, BatchMessage
from dativo_protocol.metrics import Timer
from dativo_protocol.signals import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    import pyarrow as pa

    from dativo_protocol.batch_files import WrittenBatch
    from dativo_protocol.batch_settings import BatchSettings
    from dativo_protocol.writer import MessageWriter

_WAITING_JOBS = 2
"""Batches that may wait for the thread that writes: rows that come faster have to wait, not to pile up."""

_BATCH_BYTES = 8 << 20


class BatchWriter:
    """Writes the records of one stream as files, and a BATCH for each that is whole.

    A context manager like `RecordWriter`. A file is closed when it is full, before a STATE and at the end;
    after a failure the open one is removed, since no STATE will speak of its rows.
    """

    def __init__(
        self, out: MessageWriter, stream: str, schema: pa.Schema, version: int | None, settings: BatchSettings
    ) -> None:
        self._out = out
        self._stream = stream
        self._version = version
        self._encoding = _encoding_of(settings)
        self._files = BatchFiles(settings, stream, schema)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batch-files")
        self._jobs: deque[Future[list[WrittenBatch]]] = deque()
        self._timer = Timer("sync_duration", {"stream": stream})

    def __enter__(self) -> Self:
        self._timer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, Stopped):
                self.flush()  # after a stop too: the last STATE covers the rows taken so far
        finally:
            self.close()
            self._out.counters.finish(self._stream)
            self._timer.__exit__(kind, error, trace)

    def close(self) -> None:
        """Let the thread go, and drop what was not flushed."""
        self._thread.shutdown(cancel_futures=True)
        self._files.abandon()
        self._out.forget(self)

    def write(self, rows: pa.RecordBatch | pa.Table, time_extracted: str | None = None) -> None:  # noqa: ARG002
        """Take rows.

        Args:
            rows: of the schema the stream was begun with.
            time_extracted: has no place in a file of bare records.

        Raises:
            StoreError: a file cannot be written.
        """
        import pyarrow as pa

        for batch in rows.to_batches() if isinstance(rows, pa.Table) else [rows]:
            most = max(1, _BATCH_BYTES * batch.num_rows // max(1, batch.nbytes))
            for start in range(0, batch.num_rows, most):
                self._submit(partial(self._files.write, batch.slice(start, most)))

    def flush(self) -> None:
        """Write a BATCH for every row taken so far.

        Raises:
            StoreError: a file cannot be written.
        """
        self._submit(self._files.finish)
        while self._jobs:
            self._announce(self._jobs.popleft())

    def _submit(self, job: Callable[[], list[WrittenBatch]]) -> None:
        while self._jobs and (len(self._jobs) > _WAITING_JOBS or self._jobs[0].done()):
            self._announce(self._jobs.popleft())
        self._jobs.append(self._thread.submit(job))

    def _announce(self, job: Future[list[WrittenBatch]]) -> None:
        for file in job.result():
            manifest = (file.path.as_uri(),)
            self._out.batch(BatchMessage(self._stream, self._encoding, manifest, self._version))
            self._out.counters.add(self._stream, file.rows, file.bytes)


def _encoding_of(settings: BatchSettings) -> BatchEncoding:
    """Say how to read the files; the codec of a Parquet file is its own matter, but for the SDK's `gzip`."""
    encoding = settings.encoding
    return BatchEncoding(encoding.format, "gzip" if encoding.codec == "gzip" else None)
