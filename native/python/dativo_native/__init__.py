"""Singer JSON lines to and from Arrow, in Rust.

`RecordReader` turns the bytes of a Singer pipe into events whose records are Arrow batches;
`RecordEncoder` turns Arrow batches into RECORD lines; `Digest` sums rows up; `KeyLog` and `KeySet` tell which
rows have one key; `dativo_native.pg` takes rows from PostgreSQL. The boundary is described in docs/abi.md.
"""

from dativo_native._abi import lib
from dativo_native.digest import Digest, combine_digests
from dativo_native.encoder import RecordEncoder
from dativo_native.errors import (
    InternalError,
    InvalidArgument,
    InvalidValue,
    IoError,
    LineTooLong,
    NativeError,
    UnsupportedSchema,
)
from dativo_native.event import Event, EventKind, ReaderStats
from dativo_native.keys import NO_FILE, KeyCount, KeyLog, KeySet
from dativo_native.reader import ReaderOptions, RecordReader

__all__ = [
    "ABI_VERSION",
    "NO_FILE",
    "Digest",
    "Event",
    "EventKind",
    "InternalError",
    "InvalidArgument",
    "InvalidValue",
    "IoError",
    "KeyCount",
    "KeyLog",
    "KeySet",
    "LineTooLong",
    "NativeError",
    "ReaderOptions",
    "ReaderStats",
    "RecordEncoder",
    "RecordReader",
    "UnsupportedSchema",
    "combine_digests",
    "live_handles",
]

ABI_VERSION: int = lib.DATIVO_ABI_VERSION

if lib.dativo_abi_version() != ABI_VERSION:
    raise ImportError(
        f"the native library speaks ABI {lib.dativo_abi_version():#x}, this package was built for "
        f"{ABI_VERSION:#x}: reinstall dativo-native"
    )


def live_handles() -> int:
    """How many handles (readers, encoders, ...) and error texts of this process have not been freed."""
    return int(lib.dativo_live_handles())
