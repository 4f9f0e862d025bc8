"""Commits to a catalog of any kind, one table after the other.

Between two tables a reader may see one ahead of the other, and a crash leaves it so until the next run has
completed the epoch; the markers say how far it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.exceptions import CommitStateUnknownException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import CommitTableResponse

    from target_iceberg.commit.backends import Landed
    from target_iceberg.commit.staging import StagedCommit


class TableByTable:
    """Takes commits with what every catalog of pyiceberg has."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """See `backends.Backend`."""
        for each in staged:
            answer = self._commit(each)
            landed(each)
            self._catalog._delete_old_metadata(each.table.io, each.table.metadata, answer.metadata)  # noqa: SLF001

    def _commit(self, commit: StagedCommit) -> CommitTableResponse:
        from pydantic import ValidationError

        try:
            return self._catalog.commit_table(commit.table, commit.requirements, commit.updates)
        except ValidationError as error:
            raise CommitStateUnknownException(f"the catalog's answer cannot be read: {error}") from error
