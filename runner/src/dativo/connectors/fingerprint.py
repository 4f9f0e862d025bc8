"""What of a connector was run: a hash that differs wherever its files do."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.connectors.programs import Program


def fingerprint_of(program: Program) -> str | None:
    """`lock:`, `record:` or `file:` and a SHA-256; None if its file cannot be read.

    Of the lock that it was installed by; else of the list that its installer has made of its files and their
    hashes; else of its executable.
    """
    return program.fingerprint or _of_files(program.executable, program.connector.distribution)


@lru_cache
def _of_files(executable: Path, distribution: str) -> str | None:
    try:
        for record in _records(executable, distribution):
            return f"record:{hashlib.sha256(record.read_bytes()).hexdigest()}"
        with executable.open("rb") as file:
            return f"file:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return None


def _records(executable: Path, distribution: str) -> list[Path]:
    """RECORD of the distribution in the virtual environment that the executable belongs to."""
    name = re.sub(r"[-_.]+", "_", distribution)
    return sorted(executable.parent.parent.glob(f"lib/python3*/site-packages/{name}-*.dist-info/RECORD"))
