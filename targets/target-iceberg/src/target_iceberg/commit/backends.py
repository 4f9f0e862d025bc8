"""The ways in which catalogs take commits: all tables at once, or one after the other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TypeAlias

from target_iceberg.commit.table_by_table import TableByTable
from target_iceberg.sqlite_catalog import SqliteCatalog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyiceberg.catalog import Catalog

    from target_iceberg.commit.staging import StagedCommit

Landed: TypeAlias = "Callable[[StagedCommit], None]"


class Backend(Protocol):
    """Takes commits."""

    @property
    def repeats_requests(self) -> bool:
        """Whether its client may send a commit again by itself, so that a conflict may be with our own."""

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """Commit to each table on condition that it is as it was loaded, and say which have it.

        Raises:
            CommitFailedException: one is not; it and those after it are left, or all of them.
            Exception: any other of `outcomes.catalog_errors`, of a table that was not named to `landed`.
        """


def backend_of(catalog: Catalog) -> Backend:
    """The best way that the catalog has; a kind of catalog that was never imported is none of its kind."""
    sql, rest = sys.modules.get("pyiceberg.catalog.sql"), sys.modules.get("pyiceberg.catalog.rest")
    if isinstance(catalog, SqliteCatalog):
        from target_iceberg.commit.sqlite import SqliteTransaction

        return SqliteTransaction(catalog)
    if sql is not None and isinstance(catalog, sql.SqlCatalog):
        from target_iceberg.commit.sql_catalog import SqlTransaction

        return SqlTransaction(catalog)
    if rest is not None and isinstance(catalog, rest.RestCatalog):
        from target_iceberg.commit.rest_catalog import RestTransaction

        return RestTransaction(catalog)
    return TableByTable(catalog)
