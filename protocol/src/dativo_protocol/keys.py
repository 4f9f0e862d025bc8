"""Keys of rows, for connectors: which have been seen, and where the last row of each stands."""

from __future__ import annotations

from dativo_native import NO_FILE, InvalidArgument, KeyCount, KeyLog, KeySet, NativeError, UnsupportedSchema

__all__ = ["NO_FILE", "InvalidArgument", "KeyCount", "KeyLog", "KeySet", "NativeError", "UnsupportedSchema"]
