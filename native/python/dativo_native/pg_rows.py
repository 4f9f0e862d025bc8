"""Rows of one COPY as Arrow batches."""

from __future__ import annotations

import threading
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_schema, import_array
from dativo_native._call import call, invalid
from dativo_native.closing import Closing
from dativo_native.pg_calls import PgConnection, PgOptions, PqCalls, address_of, calls_to_c, options_to_c

if TYPE_CHECKING:
    import pyarrow as pa

_DEFAULTS = PgOptions()


class PgStep(IntEnum):
    """What `PgRows.next` met instead of a batch.

    Attributes:
        IDLE: no row arrived for `idle_millis`.
        END: nothing follows. Only `get_result` tells whether the COPY came to its end; if it did not, the
            rows after the last batch are dropped.
        CANCELLED: `PgRows.cancel` was called; rows may be left on the connection.
    """

    IDLE = lib.DATIVO_PG_STEP_IDLE
    END = lib.DATIVO_PG_STEP_END
    CANCELLED = lib.DATIVO_PG_STEP_CANCELLED


class PgRows(Closing):
    """Decodes the rows of one COPY.

    One thread at a time may use it, and the connection with it; `cancel` is free to any. The connection has
    to stay open: a closed one is refused, but must not be closed while `next` runs.
    """

    def __init__(
        self, pgconn: PgConnection, calls: PqCalls, schema: pa.Schema, options: PgOptions = _DEFAULTS
    ) -> None:
        """Rows of the COPY that `pgconn` (`connection.pgconn` of psycopg) is in, as columns of `schema`.

        Raises:
            UnsupportedSchema: a field without a form, or whose type is not for it; the message names it.
            InvalidArgument: the connection is closed, or an option too large for the ABI.
        """
        self._pgconn = pgconn
        self._address = address_of(pgconn)
        self._schema = schema
        self._closed = False
        # As for the reader: `close` waits for a running call, `cancel` for a running `close`.
        self._using = threading.Lock()
        self._freeing = threading.Lock()
        self._step = ffi.new("int32_t *")
        handle = ffi.new("DativoPgRows **")
        to_call, limits = calls_to_c(calls, options), options_to_c(options)
        address = ffi.cast("void *", self._address)
        call(lib.dativo_pg_rows_new, address, to_call, export_schema(schema), limits, handle)
        self._handle = ffi.gc(handle[0], lib.dativo_pg_rows_free)

    def next(self) -> pa.RecordBatch | PgStep:
        """The next batch, or why there is none. The GIL is free while the core works or waits.

        Raises:
            InvalidValue: a value does not fit its column, or the rows have other columns.
            IoError: the connection failed.
            InvalidArgument: it is closed.
        """
        array = ffi.new("ArrowArray *")
        with self._using:
            handle = self._open()
            if self._pgconn.pgconn_ptr != self._address:
                raise invalid("the connection of the rows is closed")
            call(lib.dativo_pg_rows_next, handle, array, self._step)
            step = self._step[0]
        return import_array(array, self._schema) if step == lib.DATIVO_PG_STEP_BATCH else PgStep(step)

    def tally(self) -> dict[str, int]:
        """How many values of which columns a policy has changed so far."""
        counts = ffi.new("uint64_t[]", max(1, len(self._schema)))
        with self._using:
            call(lib.dativo_pg_rows_tally, self._open(), counts, len(self._schema))
        return {name: count for name, count in zip(self._schema.names, counts, strict=False) if count}

    def cancel(self) -> None:
        """Makes `next` return CANCELLED at once, also one that is waiting now. Any thread, any time."""
        with self._freeing:
            if not self._closed:
                lib.dativo_pg_rows_cancel(self._handle)

    def close(self) -> None:
        """Cancels, waits for a running call, and frees the rows. The connection stays as it is."""
        self.cancel()
        with self._using, self._freeing:
            if not self._closed:
                self._closed = True
                ffi.release(self._handle)

    def _open(self) -> Any:
        if self._closed:
            raise invalid("the rows are closed")
        return self._handle
