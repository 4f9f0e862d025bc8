"""Libraries that only writing needs, loaded while the first rows are still being decoded."""

from __future__ import annotations

_LIBRARIES = ("pyarrow.parquet", "pyarrow._compute", "hashlib", "shutil")


def load_for_writing() -> None:
    """Import now what the first file and the end of the run import otherwise, where all else waits for it."""
    from importlib import import_module

    for name in _LIBRARIES:
        import_module(name)
