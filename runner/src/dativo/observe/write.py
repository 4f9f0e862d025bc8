"""Files that others may read at any moment: whole, or as they were before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dativo.home import open_private

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replaces a file in one step; for its owner alone unless `mode` says otherwise."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    number = open_private(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(number, mode)
        os.fsync(number)
    fresh.replace(path)
