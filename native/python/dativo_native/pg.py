"""Rows of PostgreSQL: what a COPY in binary format brings becomes Arrow batches.

psycopg connects and says `COPY … TO STDOUT (FORMAT binary)` by `connection.pgconn.exec_`; then the core takes
the rows from libpq itself, without the GIL. A field of the schema names by `dativo.pg` in its metadata the
form in which PostgreSQL sends its values; docs/abi.md lists the forms and the Arrow types each may become.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_schema, import_array
from dativo_native._call import call, invalid
from dativo_native.closing import Closing

if TYPE_CHECKING:
    import pyarrow as pa

_FUNCTIONS = {
    "get_copy_data": "PQgetCopyData",
    "free_mem": "PQfreemem",
    "consume_input": "PQconsumeInput",
    "socket": "PQsocket",
    "error_message": "PQerrorMessage",
    "lib_version": "PQlibVersion",
}
_OUT_OF_RANGE = {"clamp": 0, "null": 1, "fail": 2}
_SPECIAL_NUMBERS = {"null": 0, "fail": 1}


class PgConnection(Protocol):
    """The part of `psycopg.pq.PGconn` that is used: the address of the PGconn, None once it is closed."""

    @property
    def pgconn_ptr(self) -> int | None: ...


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


@dataclass(frozen=True, slots=True)
class PgOptions:
    """Limits and policies.

    Attributes:
        batch_rows: a batch is cut at this many rows.
        batch_bytes: a batch is cut at this many decoded bytes.
        idle_millis: how long to wait for a row before saying IDLE.
        out_of_range: dates and times that are infinite or outside the years 1 to 9999, and 24:00, become the
            nearest that there is, null, or an error.
        special_numbers: NaN and infinite numbers become null or an error.
    """

    batch_rows: int = 65_536
    batch_bytes: int = 16 << 20
    idle_millis: int = 200
    out_of_range: Literal["clamp", "null", "fail"] = "clamp"
    special_numbers: Literal["null", "fail"] = "null"


_DEFAULTS = PgOptions()


@dataclass(frozen=True, slots=True)
class PqCalls:
    """Addresses of functions of the one libpq that made the connections they are used with."""

    get_copy_data: int
    free_mem: int
    consume_input: int
    socket: int
    error_message: int
    lib_version: int

    @classmethod
    def of_psycopg(cls) -> PqCalls:
        """Those of the libpq that psycopg uses.

        They are looked up in psycopg's own extension module, whose dependencies the search goes on to: a
        second libpq of the system would read a foreign struct.

        Raises:
            InvalidArgument: the functions are not there, or are those of another version than psycopg says.
        """
        from psycopg import pq

        library = _library(pq)
        try:
            addresses = {field: _address(library, name) for field, name in _FUNCTIONS.items()}
        except AttributeError as error:
            raise invalid(f"psycopg's libpq ({pq.__impl__}) lacks a function: {error}") from error
        found = library.PQlibVersion()
        if found != pq.version():
            raise invalid(
                f"the libpq found has version {found}, that of psycopg ({pq.__impl__}) {pq.version()}"
            )
        return cls(**addresses)


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
        self._address = _address_of(pgconn)
        self._schema = schema
        self._closed = False
        # As for the reader: `close` waits for a running call, `cancel` for a running `close`.
        self._using = threading.Lock()
        self._freeing = threading.Lock()
        self._step = ffi.new("int32_t *")
        handle = ffi.new("DativoPgRows **")
        to_call, limits = _calls_to_c(calls, options), _options_to_c(options)
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


def _library(pq: Any) -> ctypes.CDLL:
    """What psycopg calls libpq through: its extension module, or the library that its Python has loaded."""
    if pq.__impl__ == "python":
        loaded: ctypes.CDLL = importlib.import_module("psycopg.pq._pq_ctypes").pq
        return loaded
    extension = importlib.import_module(pq.PGconn.__module__)
    return ctypes.CDLL(str(extension.__file__))


def _address(library: ctypes.CDLL, name: str) -> int:
    return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)


def _address_of(pgconn: PgConnection) -> int:
    if pgconn.pgconn_ptr is None:
        raise invalid("the connection is closed")
    return pgconn.pgconn_ptr


def _calls_to_c(calls: PqCalls, options: PgOptions) -> Any:
    struct = ffi.new("DativoPqCalls *")
    struct.struct_size = ffi.sizeof("DativoPqCalls")
    for field, kind in ffi.typeof("DativoPqCalls").fields:
        if field in _FUNCTIONS:
            setattr(struct, field, ffi.cast(kind.type, getattr(calls, field)))
    try:
        struct.idle_millis = options.idle_millis
    except OverflowError as error:
        raise invalid(f"{options}: {error}") from error
    return struct


def _options_to_c(options: PgOptions) -> Any:
    try:
        return ffi.new(
            "DativoPgOptions *",
            {
                "struct_size": ffi.sizeof("DativoPgOptions"),
                "out_of_range": _OUT_OF_RANGE[options.out_of_range],
                "special_numbers": _SPECIAL_NUMBERS[options.special_numbers],
                "batch_rows": options.batch_rows,
                "batch_bytes": options.batch_bytes,
            },
        )
    except (OverflowError, KeyError) as error:
        raise invalid(f"{options}: {error}") from error
