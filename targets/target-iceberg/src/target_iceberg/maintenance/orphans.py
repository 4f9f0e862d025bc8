"""Deletes files in a table's directories that nothing names: of runs that died, or of attempts that failed.

First the files are listed, then the ledger is asked, and the table last: whatever was committed meanwhile is
named by the table by then, and what is about to be is named by the ledger. The age guards everything else.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from target_iceberg.errors import StoreError
from target_iceberg.maintenance.places import directories_of, files_below, location_like, place_of
from target_iceberg.maintenance.reachable import places_named_by
from target_iceberg.maintenance.removal import remove_files
from target_iceberg.maintenance.report import Cleaning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

_KEPT_NAMES = {"version-hint.text"}


def find_orphans(
    catalog: Catalog,
    identifier: tuple[str, ...],
    age_seconds: float,
    promised: Callable[[], Collection[str]],
) -> dict[str, int]:
    """Locations and sizes of files that nothing names.

    Args:
        catalog: that has the table.
        identifier: of the table.
        age_seconds: files changed since then are left alone.
        promised: places of files that the ledger names; asked after the files are listed.

    Raises:
        StoreError: files cannot be listed, or another table has files in the same place.
        OSError: metadata of the table cannot be read.
    """
    table = catalog.load_table(identifier)
    before = time.time() - age_seconds
    old: dict[str, tuple[str, int]] = {}
    for directory in directories_of(table):
        for info in files_below(table.io, directory):
            changed = info.mtime_ns
            if changed is not None and changed / 1e9 < before and info.base_name not in _KEPT_NAMES:
                location = location_like(info.path, directory)
                old[place_of(location)] = (location, info.size or 0)
    if not old:
        return {}
    spoken_for = set(promised())
    table = catalog.load_table(identifier)
    spoken_for |= places_named_by(table)
    orphans = dict(known for place, known in old.items() if place not in spoken_for)
    _refuse_neighbours(table, orphans)
    return orphans


def remove_orphans(
    catalog: Catalog,
    identifier: tuple[str, ...],
    age_seconds: float,
    promised: Callable[[], Collection[str]],
) -> Cleaning:
    """Delete files that nothing names (see `find_orphans`)."""
    orphans = find_orphans(catalog, identifier, age_seconds, promised)
    io = catalog.load_table(identifier).io
    return Cleaning(files=remove_files(io, orphans), bytes=sum(orphans.values()))


def _refuse_neighbours(table: Table, orphans: Collection[str]) -> None:
    """Stop where a table that was renamed may have its files, though this one has its old name and place.

    Raises:
        StoreError: there is metadata of another table.
    """
    for location in orphans:
        if location.endswith(".metadata.json") and _uuid_in(table, location) != str(
            table.metadata.table_uuid
        ):
            raise StoreError(
                f"{location} is metadata of another table, so files in {table.location()} may be of that one",
                instruction="Drop that table with its files, or delete this file if the table is gone.",
            )


def _uuid_in(table: Table, location: str) -> str:
    with table.io.new_input(location).open() as source:
        try:
            return str(json.loads(source.read())["table-uuid"])
        except (ValueError, KeyError, TypeError):
            return str(table.metadata.table_uuid)  # a torn one, of an attempt that failed
