"""Commits to a SQL catalog: all tables of an epoch in one transaction of its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.catalog.sql import IcebergTables

from target_iceberg.commit.pointers import PointerTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog.sql import SqlCatalog

    from target_iceberg.commit.pointers import Move


class SqlTransaction(PointerTransaction):
    """Takes commits to any database."""

    def __init__(self, catalog: SqlCatalog) -> None:
        self._catalog = catalog

    def move(self, moves: Sequence[Move]) -> None:
        """See `PointerTransaction`."""
        from sqlalchemy import update

        with self._catalog.engine.begin() as connection:
            for move in moves:
                changed = connection.execute(
                    update(IcebergTables)
                    .where(
                        IcebergTables.catalog_name == self._catalog.name,
                        IcebergTables.table_namespace == move.namespace,
                        IcebergTables.table_name == move.table,
                        IcebergTables.metadata_location == move.before,
                    )
                    .values(metadata_location=move.location, previous_metadata_location=move.before)
                )
                move.check(changed.rowcount)
