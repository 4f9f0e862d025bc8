"""Arrow batches in, RECORD lines out."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_batch, export_schema
from dativo_native._call import call, invalid
from dativo_native.closing import Closing

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


class RecordEncoder(Closing):
    """Writes the batches of one stream as RECORD lines. One thread at a time may use it."""

    def __init__(self, stream: str | None, schema: pa.Schema, *, version: int | None = None) -> None:
        """An encoder for batches of `schema`; `version` goes into every line if it is given.

        Without a stream the lines are the records alone, as in a batch file.

        Raises:
            UnsupportedSchema: a field whose type has no JSON form; the message names it.
            InvalidArgument: `version` is no 64-bit integer.
        """
        handle = ffi.new("DativoEncoder **")
        name: Any = ffi.NULL if stream is None else stream.encode()
        length = 0 if stream is None else len(name)
        number = ffi.NULL if version is None else _int64(version)
        call(lib.dativo_encoder_new, name, length, export_schema(schema), number, handle)
        self._handle = ffi.gc(handle[0], lib.dativo_encoder_free)
        self._lines = ffi.new("DativoSlice *")
        self._view = memoryview(b"")
        self._lent: Callable[[], Any] = _nothing

    def encode(self, batch: pa.RecordBatch, time_extracted: str | None = None) -> memoryview:
        """The rows as RECORD lines, each ending in a line feed.

        The view is the encoder's own buffer, valid until the next call, which releases it: a late
        look at it raises ValueError instead of reading something else.

        Args:
            batch: the rows; its schema is that of the encoder.
            time_extracted: RFC 3339 text that goes into every line.

        Raises:
            InvalidArgument: another schema, a value that has no text (it names field and row), or a
                slice of the previous lines is still in use.
        """
        handle = self._open()
        self._take_back()
        time = b"" if time_extracted is None else time_extracted.encode()
        schema, array = export_batch(batch)
        call(lib.dativo_encoder_encode, handle, schema, array, time or ffi.NULL, len(time), self._lines)
        # The lines are the encoder's memory, so the encoder outlives whoever still looks at them.
        lines = ffi.buffer(ffi.gc(self._lines.data, partial(_outlive, handle)), self._lines.len)
        self._lent = weakref.ref(lines)
        self._view = memoryview(lines).toreadonly()
        return self._view

    def close(self) -> None:
        """Frees the encoder and its buffer, or leaves that to the last slice of its lines in use."""
        self._view.release()
        handle, self._handle = self._handle, None
        if handle is not None and self._lent() is None:
            ffi.release(handle)

    def _open(self) -> Any:
        if self._handle is None:
            raise invalid("the encoder is closed")
        return self._handle

    def _take_back(self) -> None:
        self._view.release()
        if self._lent() is not None:
            raise invalid("a slice of the previous lines is still in use: release it before the next call")


def _int64(number: int) -> Any:
    try:
        return ffi.new("int64_t *", number)
    except OverflowError as error:
        raise invalid(f"version {number}: {error}") from error


def _nothing() -> None:
    return None


def _outlive(_encoder: Any, _lines: Any) -> None:
    """Ends the life of lent lines; until then it holds their encoder."""
