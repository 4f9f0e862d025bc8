"""Singer lines in, events out."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_schema, take_batch
from dativo_native._call import call, copy_bytes, copy_text, invalid
from dativo_native.closing import Closing
from dativo_native.event import Event, EventKind, ReaderStats

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """Limits of a reader; 0 stands for the default.

    Attributes:
        batch_rows: a batch is cut at this many rows.
        batch_bytes: a batch is cut at this many decoded bytes.
        max_line_bytes: a longer line is an error.
        read_bytes: how much is read from the descriptor at once.
        epoch_bytes, epoch_records, epoch_millis: an epoch is due after this much input, this many
            records or this time; 0 is off. With all three off every STATE ends an epoch.
        idle_millis: how long to wait for input before an IDLE event.
    """

    batch_rows: int = 65_536
    batch_bytes: int = 32 << 20
    max_line_bytes: int = 256 << 20
    read_bytes: int = 1 << 20
    epoch_bytes: int = 0
    epoch_records: int = 0
    epoch_millis: int = 0
    idle_millis: int = 200


_DEFAULTS = ReaderOptions()


class RecordReader(Closing):
    """Decodes a Singer stream into Arrow batches.

    One thread at a time may use a reader; `cancel` and `stats` are free to any.
    """

    def __init__(self, fd: int | None, options: ReaderOptions = _DEFAULTS) -> None:
        """A reader of a descriptor, which it neither owns nor closes; with None it is fed.

        Raises:
            InvalidArgument: an option is negative or too large for the ABI.
            IoError: `fd` is not an open descriptor.
        """
        handle = ffi.new("DativoReader **")
        call(lib.dativo_reader_new, -1 if fd is None else fd, _to_c(options), handle)
        self._handle = ffi.gc(handle[0], lib.dativo_reader_free)
        self._event = ffi.new("DativoEvent *")
        self._schemas: dict[str, pa.Schema] = {}
        self._closed = False
        # `close` waits for a running call by the first, and `cancel` for a running `close` by the
        # second: so nobody ever meets a freed handle.
        self._using = threading.Lock()
        self._freeing = threading.Lock()

    def feed(self, data: bytes) -> None:
        """Adds input, which is copied.

        Raises:
            InvalidArgument: the reader has a descriptor, or the input is finished.
        """
        with self._using:
            call(lib.dativo_reader_feed, self._open(), ffi.from_buffer("uint8_t[]", data), len(data))

    def finish(self) -> None:
        """Says that no input follows.

        Raises:
            InvalidArgument: the reader has a descriptor.
        """
        with self._using:
            call(lib.dativo_reader_finish, self._open())

    def next(self) -> Event:
        """The next event. The GIL is free while the core works or waits.

        Raises:
            IoError: the input cannot be read.
            LineTooLong: a line exceeds `max_line_bytes`.
        """
        with self._using:
            call(lib.dativo_reader_next, self._open(), self._event)
            return self._read_event()

    def plan(self, stream: str, schema: pa.Schema, validation: bytes = b"") -> None:
        """Says how the records of `stream` become columns, after its SCHEMA event.

        Args:
            stream: name of the stream.
            schema: the columns; their `dativo.*` field metadata direct the decoder.
            validation: JSON Schema that every record must satisfy, empty for none.

        Raises:
            UnsupportedSchema: a column type or a keyword that the core does not implement.
        """
        name = stream.encode()
        keywords = ffi.from_buffer("uint8_t[]", validation)
        with self._using:
            handle = self._open()
            exported = export_schema(schema)
            call(lib.dativo_reader_plan, handle, name, len(name), exported, keywords, len(validation))
            self._schemas[stream] = schema

    def cancel(self) -> None:
        """Makes `next` return END at once, also one that is waiting now. Any thread, any time."""
        with self._freeing:
            if not self._closed:
                lib.dativo_reader_cancel(self._handle)

    def stats(self) -> ReaderStats:
        """Totals as of the last event. Any thread, any time before `close`."""
        stats = ffi.new("DativoStats *")
        with self._freeing:
            call(lib.dativo_reader_stats, self._open(), stats)
        return ReaderStats(stats.lines, stats.bytes, stats.records, stats.invalid, stats.blank)

    def close(self) -> None:
        """Cancels the reader, waits for a running call, and frees it. The descriptor stays open."""
        self.cancel()
        with self._using, self._freeing:
            if not self._closed:
                self._closed = True
                ffi.release(self._handle)

    def _open(self) -> Any:
        if self._closed:
            raise invalid("the reader is closed")
        return self._handle

    def _read_event(self) -> Event:
        event = self._event
        kind = EventKind(event.kind)
        stream = copy_text(event.stream) if event.stream.data else None
        batch = None
        if kind is EventKind.BATCH and stream is not None:
            batch = take_batch(self._handle, self._schemas[stream])
        return Event(
            kind=kind,
            line=event.line,
            stream=stream,
            text=copy_bytes(event.text),
            reason=copy_text(event.reason),
            path=copy_text(event.path),
            rows=event.rows,
            version=event.version,
            batch=batch,
        )


def _to_c(options: ReaderOptions) -> Any:
    try:
        return ffi.new(
            "DativoReaderOptions *", {"struct_size": ffi.sizeof("DativoReaderOptions"), **asdict(options)}
        )
    except OverflowError as error:
        raise invalid(f"{options}: {error}") from error
