"""Digests of rows, for connectors: which rows there are and how often, whatever their order and encoding.

The definition is written down in `native/core/src/digest/mod.rs`, what it is good for in docs/delivery.md.
"""

from __future__ import annotations

from dativo_native import Digest, NativeError, UnsupportedSchema, combine_digests

__all__ = ["Digest", "NativeError", "UnsupportedSchema", "combine_digests"]
