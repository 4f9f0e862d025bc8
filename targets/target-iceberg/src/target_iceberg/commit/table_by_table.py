"""Commits to a catalog of any kind, one table after the other.

Between two tables a reader may see one ahead of the other, and a crash leaves it so until the next run has
completed the epoch; the markers say how far it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog

    from target_iceberg.commit.backends import Landed
    from target_iceberg.commit.staging import StagedCommit


class TableByTable:
    """Takes commits with what every catalog of pyiceberg has."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """See `backends.Backend`."""
        for each in staged:
            answer = self._catalog.commit_table(each.table, each.requirements, each.updates)
            landed(each)
            self._catalog._delete_old_metadata(each.table.io, each.table.metadata, answer.metadata)  # noqa: SLF001
