"""Rows in, a number out that says whether another place holds the same rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_batch, export_schema
from dativo_native._call import call, invalid
from dativo_native._handle import Handled

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_FORM = re.compile(r"r1:([0-9a-f]{16})([0-9a-f]{16})")
_HALF = 1 << 64


class Digest(Handled):
    """Adds up a digest of rows, whatever their order, their batches and the encoding of their values.

    What it is made of is written in `native/core/src/digest/mod.rs`. One thread at a time may use it; the GIL
    is free while rows are added.
    """

    _named = "the digest"

    def __init__(self, schema: pa.Schema) -> None:
        """The digest of no rows of `schema`.

        Raises:
            UnsupportedSchema: a field whose type has no digest; the message names it.
        """
        handle = ffi.new("DativoDigest **")
        call(lib.dativo_digest_new, export_schema(schema), handle)
        self._handle = ffi.gc(handle[0], lib.dativo_digest_free)

    def update(self, batch: pa.RecordBatch) -> None:
        """Adds the rows of a batch.

        Raises:
            InvalidArgument: it has other columns.
        """
        handle = self._open()
        call(lib.dativo_digest_update, handle, *export_batch(batch))

    def value(self) -> str:
        """The digest of all rows so far: `r1:` and 32 hexadecimal digits, `r1` naming the definition."""
        value = ffi.new("DativoDigestValue *")
        call(lib.dativo_digest_value, self._open(), value)
        return _text(value.first, value.second)


def combine_digests(values: Iterable[str]) -> str:
    """The digest of all rows together whose digests these are; of none it is that of no rows.

    Raises:
        InvalidArgument: one is no digest, or of another definition.
    """
    first = second = 0
    for value in values:
        halves = _FORM.fullmatch(value)
        if halves is None:
            raise invalid(f"{value!r} is no digest of this version")
        first += int(halves[1], 16)
        second += int(halves[2], 16)
    return _text(first % _HALF, second % _HALF)


def _text(first: int, second: int) -> str:
    return f"r1:{first:016x}{second:016x}"
