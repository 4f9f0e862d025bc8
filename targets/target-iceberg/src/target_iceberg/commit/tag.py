"""A tag on the snapshot of a commit, set in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.update import SetSnapshotRefUpdate

from target_iceberg.errors import StoreError

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for a snapshot; set again, it moves to the newer one.

    Attributes:
        name: no branch of the table has it.
        max_age_ms: after which expiry lets the tag go; None to keep it and its snapshot for good.
    """

    name: str
    max_age_ms: int | None

    def update(self, metadata: TableMetadata, snapshot_id: int) -> SetSnapshotRefUpdate:
        """What the catalog is asked for.

        Raises:
            StoreError: a branch has the name.
        """
        known = metadata.refs.get(self.name)
        if known is not None and known.snapshot_ref_type == SnapshotRefType.BRANCH:
            raise StoreError(
                f"the table at {metadata.location} has a branch {self.name!r}, which cannot be a tag",
                instruction="Choose another name in tag_snapshots.",
            )
        ref: dict[str, Any] = {
            "ref-name": self.name,
            "type": SnapshotRefType.TAG,
            "snapshot-id": snapshot_id,
            "max-ref-age-ms": self.max_age_ms,
        }
        return SetSnapshotRefUpdate.model_validate(ref)
