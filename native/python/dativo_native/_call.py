"""Calls into the library: a status becomes an exception, lent bytes become Python's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_native._abi import ffi, lib
from dativo_native.errors import (
    InternalError,
    InvalidArgument,
    InvalidValue,
    IoError,
    LineTooLong,
    NativeError,
    UnsupportedSchema,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_EXCEPTIONS: dict[int, type[NativeError]] = {
    lib.DATIVO_STATUS_INVALID_ARGUMENT: InvalidArgument,
    lib.DATIVO_STATUS_UNSUPPORTED_SCHEMA: UnsupportedSchema,
    lib.DATIVO_STATUS_LINE_TOO_LONG: LineTooLong,
    lib.DATIVO_STATUS_INVALID_VALUE: InvalidValue,
    lib.DATIVO_STATUS_IO: IoError,
    lib.DATIVO_STATUS_INTERNAL: InternalError,
}


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function of the ABI whose last parameter is the error.

    Raises:
        NativeError: the subclass that stands for the status.
    """
    error = ffi.new("DativoError *")
    if function(*arguments, error) != lib.DATIVO_STATUS_OK:
        raise _exception(error)


def invalid(message: str) -> InvalidArgument:
    """The exception for a call that is refused before it reaches the library."""
    return InvalidArgument(message, code=lib.DATIVO_STATUS_INVALID_ARGUMENT)


def copy_bytes(lent: Any) -> bytes:
    """A copy of a `DativoSlice`."""
    return bytes(ffi.buffer(lent.data, lent.len)) if lent.len else b""


def copy_text(lent: Any) -> str:
    """A copy of a `DativoSlice` that holds UTF-8."""
    return copy_bytes(lent).decode()


def _exception(error: Any) -> NativeError:
    try:
        exception = _EXCEPTIONS.get(error.code, NativeError)
        return exception(
            bytes(ffi.buffer(error.message, error.message_len)).decode(),
            code=error.code,
            line=error.line,
            stream=bytes(ffi.buffer(error.stream, error.stream_len)).decode() if error.stream else None,
            retryable=bool(error.retryable),
        )
    finally:
        lib.dativo_error_clear(error)
