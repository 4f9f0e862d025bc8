"""Keys of rows: which have been seen, and where the last row of each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_batch, export_schema, import_array, import_batch
from dativo_native._call import call
from dativo_native._handle import Handled

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

NO_FILE = (1 << 32) - 1
"""Stands for the file of a row that is in none: its key has been deleted."""


@dataclass(frozen=True, slots=True)
class KeyCount:
    """How much there is.

    Attributes:
        keys: different ones.
        bytes: of memory they take.
    """

    keys: int
    bytes: int


class KeyLog(Handled):
    """Which row of each key came last, and which rows are overtaken. One thread at a time may use it.

    Rows go in and come out as batches of the columns of the key, followed by `file: uint32`,
    `position: uint32` in the file and `order: int64`.
    """

    _named = "the log of keys"

    def __init__(self, schema: pa.Schema) -> None:
        """A log of no rows; `schema` has the columns of a key.

        Raises:
            UnsupportedSchema: a column that cannot be part of a key; the message names it.
            InvalidArgument: there is no column.
        """
        handle = ffi.new("DativoKeyLog **")
        call(lib.dativo_key_log_new, export_schema(schema), handle)
        self._handle = ffi.gc(handle[0], lib.dativo_key_log_free)

    def put(self, rows: pa.RecordBatch) -> None:
        """Takes rows; of two with one key the one of higher order counts, of equal ones the later.

        Raises:
            InvalidArgument: other columns, or a row whose key is null or NaN; nothing is taken then.
        """
        call(lib.dativo_key_log_put, self._open(), *export_batch(rows))

    def overtaken(self) -> pa.RecordBatch:
        """The rows overtaken since the last call, as `file` and `position`, in order of both."""
        handle = self._open()
        return import_batch(lambda *out: call(lib.dativo_key_log_overtaken, handle, *out))

    def slice(self, first: int, count: int) -> pa.RecordBatch:
        """The last row of `count` keys from the key `first` on; fewer if there are no more."""
        handle = self._open()
        return import_batch(lambda *out: call(lib.dativo_key_log_slice, handle, first, count, *out))

    def bucket(self, bucket: int, buckets: int) -> pa.RecordBatch:
        """The last row of each key of one of `buckets` parts; a key is in the same part of every log.

        Raises:
            InvalidArgument: there is no such part.
        """
        handle = self._open()
        return import_batch(lambda *out: call(lib.dativo_key_log_bucket, handle, bucket, buckets, *out))

    def count(self) -> KeyCount:
        """Counts the keys."""
        return _count(lib.dativo_key_log_count, self._open())


class KeySet(Handled):
    """A set of keys. Any number of threads may ask `contains` at a time; the GIL is free meanwhile."""

    _named = "the set of keys"

    def __init__(self, schema: pa.Schema) -> None:
        """A set of no keys; `schema` has the columns of a key.

        Raises:
            UnsupportedSchema: a column that cannot be part of a key; the message names it.
            InvalidArgument: there is no column.
        """
        handle = ffi.new("DativoKeySet **")
        call(lib.dativo_key_set_new, export_schema(schema), handle)
        self._handle = ffi.gc(handle[0], lib.dativo_key_set_free)

    def add(self, keys: pa.RecordBatch) -> None:
        """Adds keys; rows where a column is null or NaN add nothing.

        Raises:
            InvalidArgument: the batch has other columns, or another thread asks the set something.
        """
        call(lib.dativo_key_set_add, self._open(), *export_batch(keys))

    def contains(self, keys: pa.RecordBatch) -> pa.BooleanArray:
        """Tells for each row whether its key is in the set; a null or NaN is not.

        Raises:
            InvalidArgument: the batch has other columns.
        """
        import pyarrow as pa

        hits = ffi.new("ArrowArray *")
        call(lib.dativo_key_set_contains, self._open(), *export_batch(keys), hits)
        schema = pa.schema([pa.field("hit", pa.bool_(), nullable=False)])
        return cast("pa.BooleanArray", import_array(hits, schema).column(0))

    def count(self) -> KeyCount:
        """Counts the keys."""
        return _count(lib.dativo_key_set_count, self._open())


def _count(function: Callable[..., int], handle: Any) -> KeyCount:
    count = ffi.new("DativoKeyCount *")
    call(function, handle, count)
    return KeyCount(count.keys, count.bytes)
