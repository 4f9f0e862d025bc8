"""What the core needs of psycopg: a connection of libpq, and the functions of the libpq that made it."""

from __future__ import annotations

import ctypes
import importlib
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from dativo_native._abi import ffi
from dativo_native._call import invalid

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


def _library(pq: Any) -> ctypes.CDLL:
    """What psycopg calls libpq through: its extension module, or the library that its Python has loaded."""
    if pq.__impl__ == "python":
        loaded: ctypes.CDLL = importlib.import_module("psycopg.pq._pq_ctypes").pq
        return loaded
    extension = importlib.import_module(pq.PGconn.__module__)
    return ctypes.CDLL(str(extension.__file__))


def _address(library: ctypes.CDLL, name: str) -> int:
    return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)


def address_of(pgconn: PgConnection) -> int:
    """The address of the PGconn.

    Raises:
        InvalidArgument: the connection is closed.
    """
    if pgconn.pgconn_ptr is None:
        raise invalid("the connection is closed")
    return pgconn.pgconn_ptr


def calls_to_c(calls: PqCalls, options: PgOptions) -> Any:
    """A `DativoPqCalls *`.

    Raises:
        InvalidArgument: a number is too large for the ABI.
    """
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


def options_to_c(options: PgOptions, **more: int) -> Any:
    """A `DativoPgOptions *`, with `more` of its fields.

    Raises:
        InvalidArgument: a value is unknown or too large for the ABI.
    """
    try:
        return ffi.new(
            "DativoPgOptions *",
            {
                "struct_size": ffi.sizeof("DativoPgOptions"),
                "out_of_range": _OUT_OF_RANGE[options.out_of_range],
                "special_numbers": _SPECIAL_NUMBERS[options.special_numbers],
                "batch_rows": options.batch_rows,
                "batch_bytes": options.batch_bytes,
                **more,
            },
        )
    except (OverflowError, KeyError) as error:
        raise invalid(f"{options}: {error}") from error
