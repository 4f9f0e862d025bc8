"""Singer messages to a file descriptor; Arrow batches become RECORD lines in the native core."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from dativo_protocol.metrics import StreamCounters, Timer
from dativo_protocol.pipes import widen_pipe, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    import pyarrow as pa

    from dativo_protocol.batch_settings import BatchSettings
    from dativo_protocol.batch_writer import BatchWriter
    from dativo_protocol.messages import BatchMessage, Message, SchemaMessage
    from dativo_protocol.state_file import StateFile

ENCODED_BYTES = 4 << 20
"""Size of encoded lines to aim at for one write: large enough for the pipe, small beside the batches."""

_FIRST_SLICE_ROWS = 1024


class RecordLimitReached(Exception):  # noqa: N818 -- an ending, not a fault
    """A trial run has seen as many records of the stream as it wants."""


class RowWriter(Protocol):
    """Takes the records of one stream; a context manager."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was held back, and log the end of the stream."""

    def write(self, rows: pa.RecordBatch | pa.Table, time_extracted: str | None = None) -> None:
        """Take rows of the schema that the stream was begun with."""

    def close(self) -> None:
        """Let go of everything, written or not."""


class MessageWriter:
    """Writes whole messages, in order.

    Attributes:
        given: the file of the state that the run began with, if it is from one: what was delivered.

    Raises:
        DownstreamClosed: by every method, once the reader of the output has gone.
    """

    def __init__(
        self,
        out_fd: int = 1,
        *,
        hold: Callable[[], AbstractContextManager[None]] = nullcontext,
        record_limit: int | None = None,
        batches: BatchSettings | None = None,
    ) -> None:
        """Write to `out_fd`.

        Args:
            out_fd: file descriptor, stays open.
            hold: block in which the process must not be stopped (see `StopRequest.hold`): a line is
                written whole or not at all.
            record_limit: raise `RecordLimitReached` at the first record of a stream beyond so many.
            batches: write records as files and BATCH messages, instead of as RECORD messages.
        """
        self.counters = StreamCounters()
        self.record_limit = record_limit
        self.given: StateFile | None = None
        self._fd = out_fd
        self._hold = hold
        self._last_state = b""
        self._batches = batches
        self._batch_writers: dict[BatchWriter, None] = {}
        widen_pipe(out_fd)

    def schema(self, message: SchemaMessage) -> None:
        """Write a SCHEMA."""
        self._flush_batches()
        self.counters.open(message.stream)
        self._message(message)

    def stream(self, name: str, schema: pa.Schema, version: int | None = None) -> RowWriter:
        """Begin the records of a stream; its SCHEMA must have been written.

        Args:
            name: of the stream.
            schema: of the batches to come.
            version: table version, for streams that end with ACTIVATE_VERSION.
        """
        if self._batches is None:
            return RecordWriter(self, name, schema, version)
        from dativo_protocol.batch_writer import BatchWriter

        writer = BatchWriter(self, name, schema, version, self._batches)
        self._batch_writers[writer] = None
        return writer

    def forget(self, writer: BatchWriter) -> None:
        """Ask a writer of batches for its rows no more."""
        self._batch_writers.pop(writer, None)

    def state(self, value: Mapping[str, Any]) -> None:
        """Write a STATE, unless it equals the one before (K6)."""
        from dativo_protocol.messages import StateMessage, dump_message

        line = dump_message(StateMessage(dict(value)))
        if line != self._last_state:
            self._flush_batches()
            self.write(line)
            self._last_state = line

    def activate_version(self, stream: str, version: int) -> None:
        """Write an ACTIVATE_VERSION (M5)."""
        from dativo_protocol.messages import ActivateVersionMessage

        self._flush_batches()
        self._message(ActivateVersionMessage(stream, version))

    def batch(self, message: BatchMessage) -> None:
        """Write a BATCH (M6)."""
        self._message(message)

    def write(self, lines: bytes | memoryview) -> None:
        """Write whole lines."""
        with self._hold():
            write_all(self._fd, lines)

    def hold(self) -> AbstractContextManager[None]:
        """Put a stop off until the block has ended: for records and the bookmark that covers them.

        Otherwise the last STATE could tell less than was written, and the next run would write rows twice.
        """
        return self._hold()

    def _flush_batches(self) -> None:
        """Let rows come before what is written after them."""
        for writer in self._batch_writers:
            writer.flush()

    def _message(self, message: Message) -> None:
        from dativo_protocol.messages import dump_message

        self.write(dump_message(message))


class RecordWriter:
    """Writes the records of one stream; a context manager, to let the native encoder go.

    Its end is logged: `sync_duration`, and the last line of the stream's counters.
    """

    def __init__(self, out: MessageWriter, stream: str, schema: pa.Schema, version: int | None) -> None:
        from dativo_native import RecordEncoder

        self._out = out
        self._stream = stream
        self._encoder = RecordEncoder(stream, schema, version=version)
        self._slice_rows = _FIRST_SLICE_ROWS
        self._written = 0
        self._timer = Timer("sync_duration", {"stream": stream})

    def __enter__(self) -> Self:
        self._timer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._out.counters.finish(self._stream)
        self._timer.__exit__(kind, error, trace)

    def close(self) -> None:
        """Let the native encoder go."""
        self._encoder.close()

    def write(self, rows: pa.RecordBatch | pa.Table, time_extracted: str | None = None) -> None:
        """Write a RECORD for each row.

        Args:
            rows: of the schema the stream was begun with.
            time_extracted: RFC 3339 with an offset; by default now.
        """
        extracted = time_extracted or datetime.now(UTC).isoformat(timespec="microseconds")
        for batch in _batches(rows):
            self._write_batch(batch, extracted)

    def _write_batch(self, batch: pa.RecordBatch, extracted: str) -> None:
        start = size = 0
        # rows of this batch may be far longer than those measured so far
        most = max(1, ENCODED_BYTES * batch.num_rows // max(1, batch.nbytes))
        while start < batch.num_rows:
            rows = batch.slice(start, self._allowed(min(self._slice_rows, most)))
            lines = self._encoder.encode(rows, extracted)
            self._out.write(lines)
            start += rows.num_rows
            size += len(lines)
            self._written += rows.num_rows
            self._slice_rows = max(1, ENCODED_BYTES * rows.num_rows // max(1, len(lines)))
        self._out.counters.add(self._stream, batch.num_rows, size)

    def _allowed(self, rows: int) -> int:
        limit = self._out.record_limit
        if limit is None:
            return rows
        if self._written >= limit:
            raise RecordLimitReached
        return min(rows, limit - self._written)


def _batches(rows: pa.RecordBatch | pa.Table) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        yield from rows.to_batches()
    else:
        yield rows
