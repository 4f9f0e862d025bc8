"""Commits to a catalog of any kind, one table after the other.

Between two tables a reader may see one ahead of the other, and a crash leaves it so until the next run has
completed the epoch; the markers say how far it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.table.update import AssertRefSnapshotId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.update import TableRequirement

    from target_iceberg.commit.backends import Landed
    from target_iceberg.commit.staging import StagedCommit


class TableByTable:
    """Takes commits with what every catalog of pyiceberg has; boto, for one, repeats requests by itself."""

    repeats_requests = True

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """See `backends.Backend`."""
        for each in staged:
            requirements = tuple(_as_specified(requirement) for requirement in each.requirements)
            answer = self._catalog.commit_table(each.table, requirements, each.updates)
            landed(each)
            self._catalog._delete_old_metadata(each.table.io, each.table.metadata, answer.metadata)  # noqa: SLF001


class _AssertHead(AssertRefSnapshotId):
    """What Iceberg says of the requirement; pyiceberg's own refuses every table that begins with a branch."""

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override]
        """Raise CommitFailedException if the branch is not where it has to be."""
        if base_metadata is None or base_metadata.snapshots or self.snapshot_id is not None:
            super().validate(base_metadata)


def _as_specified(requirement: TableRequirement) -> TableRequirement:
    if isinstance(requirement, AssertRefSnapshotId):
        return _AssertHead.model_validate(requirement.model_dump(by_alias=True))
    return requirement
