"""Deletes files for good, several at once; what cannot be deleted stays for the next time."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.io import FileIO

logger = logging.getLogger(__name__)

_AT_ONCE = 8


def remove_files(io: FileIO, paths: Iterable[str]) -> int:
    """Delete files that nothing names; returns how many are gone. One that is missing counts as deleted."""
    wanted = sorted(set(paths))
    if not wanted:
        return 0
    with ThreadPoolExecutor(_AT_ONCE, "remove") as pool:
        return sum(pool.map(partial(_remove, io), wanted))


def _remove(io: FileIO, path: str) -> bool:
    try:
        io.delete(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        logger.warning("cannot remove %s, which nothing names any more: %s", path, error)
        return False
    return True
