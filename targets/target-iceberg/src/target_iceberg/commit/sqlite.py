"""Commits to the default catalog: all tables of an epoch in one transaction of its SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_iceberg.commit.pointers import PointerTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_iceberg.commit.pointers import Move
    from target_iceberg.sqlite_catalog import SqliteCatalog

_MOVE = """
UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?
"""


class SqliteTransaction(PointerTransaction):
    """Takes commits to SQLite."""

    def __init__(self, catalog: SqliteCatalog) -> None:
        self._catalog = catalog

    def move(self, moves: Sequence[Move]) -> None:
        """See `PointerTransaction`."""
        name = self._catalog.name
        with self._catalog.transaction() as connection:
            for move in moves:
                row = (move.location, move.before, name, move.namespace, move.table, move.before)
                move.check(connection.execute(_MOVE, row).rowcount)
