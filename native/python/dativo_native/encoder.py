"""Arrow batches in, RECORD lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_batch, export_schema
from dativo_native._call import call, invalid

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa


class RecordEncoder:
    """Writes the batches of one stream as RECORD lines. One thread at a time may use it."""

    def __init__(self, stream: str, schema: pa.Schema, *, version: int | None = None) -> None:
        """An encoder for batches of `schema`; `version` goes into every line if it is given.

        Raises:
            UnsupportedSchema: a field whose type has no JSON form; the message names it.
        """
        handle = ffi.new("DativoEncoder **")
        name = stream.encode()
        number = ffi.NULL if version is None else ffi.new("int64_t *", version)
        call(lib.dativo_encoder_new, name, len(name), export_schema(schema), number, handle)
        self._handle = ffi.gc(handle[0], lib.dativo_encoder_free)
        self._lines = ffi.new("DativoSlice *")
        self._view: memoryview | None = None
        self._closed = False

    def encode(self, batch: pa.RecordBatch, time_extracted: str | None = None) -> memoryview:
        """The rows as RECORD lines, each ending in a line feed.

        The view is the encoder's own buffer: it is valid until the next call on the encoder, which
        releases it, so that a late look at it raises ValueError instead of reading something else.

        Args:
            batch: the rows; its schema is that of the encoder.
            time_extracted: RFC 3339 text that goes into every line.

        Raises:
            InvalidArgument: another schema, or a value that has no text (it names field and row).
        """
        self._release_view()
        handle = self._open()
        time = b"" if time_extracted is None else time_extracted.encode()
        schema, array = export_batch(batch)
        call(lib.dativo_encoder_encode, handle, schema, array, time or ffi.NULL, len(time), self._lines)
        self._view = memoryview(ffi.buffer(self._lines.data, self._lines.len)).toreadonly()
        return self._view

    def close(self) -> None:
        """Frees the encoder and its buffer."""
        self._release_view()
        if not self._closed:
            self._closed = True
            ffi.release(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> Any:
        if self._closed:
            raise invalid("the encoder is closed")
        return self._handle

    def _release_view(self) -> None:
        view, self._view = self._view, None
        if view is None:
            return
        try:
            view.release()
        except BufferError as error:
            self._view = view
            raise invalid("a slice of the lines of the previous call is still in use") from error
