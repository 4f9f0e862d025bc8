"""What editors need to complete and check a file that dativo writes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dativo.home import make_private

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.home import Home


def put_schema(shipped: Path, home: Home, file: Path) -> str:
    """Copies a JSON Schema of the package into the home; returns its path as `file` refers to it."""
    copy = make_private(home.root / "schemas") / shipped.name
    copy.write_bytes(shipped.read_bytes())
    return os.path.relpath(copy.absolute(), file.absolute().parent)
