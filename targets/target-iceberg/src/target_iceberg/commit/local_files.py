"""Files of the local file system that have to outlive a power cut before anything refers to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable


def make_durable(locations: Iterable[str]) -> None:
    """Return once those of these files that are local are on disk, with their names.

    Raises:
        OSError: one cannot be synchronised.
    """
    paths = [path for location in locations if (path := local_path(location)) is not None]
    for path in [*paths, *sorted({path.parent for path in paths})]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def local_path(location: str) -> Path | None:
    """The path behind a location as pyiceberg reads it, which decodes no `%`; None if it is not local."""
    if "://" not in location:
        return Path(location.removeprefix("file:"))
    return Path(urlsplit(location).path) if location.startswith("file://") else None
