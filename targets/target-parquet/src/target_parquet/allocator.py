"""Keeps the memory of the process near to what is in use.

Columns are allocated by the megabyte, on several threads, and freed in another order. Arrow's own allocator
keeps a third more of such memory than the system's, at the same speed. The system's learns from what is freed
to keep ever larger blocks (up to 32 MiB) for later, where the next column seldom fits; told a limit, it does
not learn.
"""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

# Larger blocks go back to the system at once. Fresh memory for them costs less than what lies idle otherwise.
_MMAP_BYTES = 2 << 20
# So much may stay at the end of the heap, or every batch would give it back and take it again.
_TRIM_BYTES = 8 << 20


def settle_allocator() -> None:
    """Set up the allocators, unless the environment has; before pyarrow is imported."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc; other systems go without
    if mallopt is None or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
