"""A change made ready for the catalog: all files written, nothing visible yet."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.update import (
    AddSnapshotUpdate,
    AssertCurrentSchemaId,
    AssertDefaultSortOrderId,
    AssertDefaultSpecId,
    AssertLastAssignedFieldId,
    AssertLastAssignedPartitionId,
    AssertRefSnapshotId,
    AssertTableUUID,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
)

from target_iceberg.commit.producer import FORMAT_VERSION, SnapshotProducer
from target_iceberg.commit.table_metadata import updated
from target_iceberg.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.io import FileIO
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from target_iceberg.commit.change import Change
    from target_iceberg.commit.marker import Marker

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StagedCommit:
    """What the catalog is asked to do to one table.

    Attributes:
        table: as it was loaded; the commit holds for nothing newer.
        updates: to its metadata.
        requirements: what the catalog has to find unchanged.
        written: metadata files that exist for this attempt alone; the manifest list last, if there is one.
    """

    table: Table
    updates: tuple[TableUpdate, ...]
    requirements: tuple[TableRequirement, ...]
    written: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the table."""
        return ".".join(self.table.name())


def stage(
    table: Table, change: Change, *, marker: Marker | None, branch: str, snapshot_id: int
) -> StagedCommit:
    """Write everything a change needs but the metadata of the table itself.

    Raises:
        ConflictError: the head is not what the change needs.
        StoreError: the table is of a format that is not written here.
        OSError: a file cannot be read or written.
    """
    base = table.metadata
    if base.format_version != FORMAT_VERSION:
        raise StoreError(
            f"table {'.'.join(table.name())} has format version {base.format_version}, "
            f"but only {FORMAT_VERSION} is written",
            instruction="Let the target make a table of its own, or bring this one to that version.",
        )
    updates, of_refs = _evolved(table, change)
    properties = {**change.properties, **({marker.property_name: marker.property_value} if marker else {})}
    if properties:
        updates += (SetPropertiesUpdate(updates=properties),)
    requirements = (*_unchanged(base, branch), *of_refs)
    if not change.moves_files:
        return StagedCommit(table, updates, requirements)
    evolved = updated(base, updates) if change.evolve or change.properties else base
    producer = SnapshotProducer(evolved, table.io, snapshot_id, branch_head(evolved, branch))
    tagged = () if change.tag is None else (change.tag.update(evolved, snapshot_id),)
    try:
        snapshot = producer.produce(change, marker.summary if marker else {})
    except BaseException:
        discard(table.io, producer.written)
        raise
    updates += (AddSnapshotUpdate(snapshot=snapshot), moved_ref(evolved, branch, snapshot), *tagged)
    return StagedCommit(table, updates, requirements, producer.written)


def branch_head(metadata: TableMetadata, branch: str) -> Snapshot | None:
    """The snapshot that a commit to the branch builds upon; a branch that is new begins where `main` is."""
    if branch in metadata.refs:
        return metadata.snapshot_by_name(branch)
    return metadata.snapshot_by_name(MAIN_BRANCH)


def discard(io: FileIO, paths: list[str]) -> None:
    """Remove files that nothing refers to, and empty the list; what stays is an orphan for maintenance."""
    while paths:
        path = paths.pop()
        try:
            io.delete(path)
        except OSError as error:
            logger.debug("cannot remove %s: %s", path, error)


def _evolved(table: Table, change: Change) -> tuple[tuple[TableUpdate, ...], Sequence[TableRequirement]]:
    """Updates of the change's own steps, and what they require of refs; the rest is required anyway."""
    if change.evolve is None:
        return (), []
    transaction = table.transaction()
    change.evolve(transaction)
    refs = [each for each in transaction._requirements if isinstance(each, AssertRefSnapshotId)]  # noqa: SLF001
    return transaction._updates, refs  # noqa: SLF001


def _unchanged(base: TableMetadata, branch: str) -> list[TableRequirement]:
    """Everything a change rests on is as it was when it was planned.

    Nothing can be required of properties. Where a commit adds no snapshot another one with the same marker
    may therefore follow it, which is harmless, for it moves no rows either.
    """
    ref = base.refs.get(branch)
    heads: dict[str, int | None] = {branch: ref.snapshot_id if ref else None}
    if ref is None and MAIN_BRANCH in base.refs:
        heads[MAIN_BRANCH] = base.refs[MAIN_BRANCH].snapshot_id
    return [
        AssertTableUUID(uuid=base.table_uuid),
        *(
            AssertRefSnapshotId.model_validate({"ref": name, "snapshot-id": head})
            for name, head in heads.items()
        ),
        AssertCurrentSchemaId.model_validate({"current-schema-id": base.current_schema_id}),
        AssertLastAssignedFieldId.model_validate({"last-assigned-field-id": base.last_column_id}),
        AssertDefaultSpecId.model_validate({"default-spec-id": base.default_spec_id}),
        AssertLastAssignedPartitionId.model_validate({"last-assigned-partition-id": base.last_partition_id}),
        AssertDefaultSortOrderId.model_validate({"default-sort-order-id": base.default_sort_order_id}),
    ]


def moved_ref(metadata: TableMetadata, branch: str, snapshot: Snapshot) -> SetSnapshotRefUpdate:
    """The branch's new head; how long its snapshots are kept stays as it was."""
    moved: dict[str, Any] = {
        "ref-name": branch,
        "type": SnapshotRefType.BRANCH,
        "snapshot-id": snapshot.snapshot_id,
    }
    if ref := metadata.refs.get(branch):
        moved["max-ref-age-ms"] = ref.max_ref_age_ms
        moved["max-snapshot-age-ms"] = ref.max_snapshot_age_ms
        moved["min-snapshots-to-keep"] = ref.min_snapshots_to_keep
    return SetSnapshotRefUpdate.model_validate(moved)
