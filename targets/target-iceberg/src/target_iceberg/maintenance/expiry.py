"""Lets old snapshots go, and then deletes the files that no snapshot names any more.

Files go only when the catalog has the commit that lets their snapshots go. A process that dies in between
leaves files that nothing names, which the removal of orphans finds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.table import TableProperties
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import AssertRefSnapshotId, RemoveSnapshotRefUpdate, RemoveSnapshotsUpdate
from pyiceberg.utils.properties import property_as_int

from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.maintenance.reachable import SnapshotFiles, entries_of
from target_iceberg.maintenance.removal import remove_files
from target_iceberg.maintenance.report import Cleaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.catalog import Catalog
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.refs import SnapshotRef
    from pyiceberg.table.snapshots import Snapshot
    from pyiceberg.table.update import TableUpdate

    from target_iceberg.commit.limits import CommitLimits
    from target_iceberg.maintenance.settings import MaintenanceSettings


@dataclass(frozen=True, slots=True)
class Expiry:
    """What shall go.

    Attributes:
        snapshots: their ids.
        refs: names of branches and tags that are over their own age limit.
    """

    snapshots: frozenset[int]
    refs: frozenset[str]

    def apply(self, transaction: Transaction) -> None:
        """Add it to a transaction, on condition that no branch or tag has moved."""
        refs = transaction.table_metadata.refs
        requirements = tuple(
            AssertRefSnapshotId.model_validate({"ref": name, "snapshot-id": ref.snapshot_id})
            for name, ref in refs.items()
        )
        steps: list[TableUpdate] = [
            RemoveSnapshotRefUpdate.model_validate({"ref-name": name}) for name in sorted(self.refs)
        ]
        if self.snapshots:
            steps.append(RemoveSnapshotsUpdate.model_validate({"snapshot-ids": sorted(self.snapshots)}))
        transaction._stage(tuple(steps), requirements)  # noqa: SLF001


def choose_expiry(metadata: TableMetadata, settings: MaintenanceSettings, now_ms: int) -> Expiry:
    """Choose by the limits of each branch and tag, then of the table, then of the settings.

    What a branch or tag keeps stays, and what a branch has that `main` does not; a snapshot that none of them
    leads to goes when it is old enough.
    """
    limits = _Limits.of(metadata, settings, now_ms)
    over = {name for name, ref in metadata.refs.items() if _is_over(metadata, name, ref, now_ms)}
    staying = [ref for name, ref in metadata.refs.items() if name not in over]
    kept = {kept.snapshot_id for ref in staying for kept in limits.kept_by(metadata, ref)}
    kept |= {each.snapshot_id for ref in staying for each in _not_in_main(metadata, ref)}
    led_to = {each.snapshot_id for ref in staying for each in _line(metadata, ref.snapshot_id)}
    going = {
        each.snapshot_id
        for each in metadata.snapshots
        if each.snapshot_id not in kept
        and (each.snapshot_id in led_to or each.timestamp_ms < now_ms - limits.age_ms)
    }
    return Expiry(frozenset(going), frozenset(over))


def plan_expiry(table: Table, settings: MaintenanceSettings) -> Cleaning:
    """Say what would go.

    Raises:
        OSError: metadata of the table cannot be read.
    """
    chosen = choose_expiry(table.metadata, settings, _now_ms())
    going = [each for each in table.metadata.snapshots if each.snapshot_id in chosen.snapshots]
    staying = [each for each in table.metadata.snapshots if each.snapshot_id not in chosen.snapshots]
    sizes = _unreachable(going, staying, table.io)
    return Cleaning(len(going), len(sizes), sum(sizes.values()))


def expire(
    catalog: Catalog,
    identifier: tuple[str, ...],
    settings: MaintenanceSettings,
    commit_limits: CommitLimits | None = None,
) -> Cleaning:
    """Let snapshots go and delete what they alone had.

    Raises:
        StoreError: the catalog or the store refuses; no file is deleted that the table names.
    """
    planned: list[TableMetadata] = []

    def change(table: Table) -> Change | None:
        chosen = choose_expiry(table.metadata, settings, _now_ms())
        if not chosen.snapshots and not chosen.refs:
            return None
        planned.append(table.metadata)
        return Change(evolve=chosen.apply)

    commit_tables(catalog, None, [TableCommit(identifier, change)], limits=commit_limits)
    if not planned:
        return Cleaning()
    table = catalog.load_table(identifier)
    return _delete_unreachable(planned[-1], table)


def _delete_unreachable(before: TableMetadata, table: Table) -> Cleaning:
    if before.table_uuid != table.metadata.table_uuid:
        return Cleaning()
    staying = {each.snapshot_id for each in table.metadata.snapshots}
    going = [each for each in before.snapshots if each.snapshot_id not in staying]
    sizes = _unreachable(going, table.metadata.snapshots, table.io)
    return Cleaning(len(going), remove_files(table.io, sizes), sum(sizes.values()))


def _unreachable(going: list[Snapshot], staying: list[Snapshot], io: FileIO) -> dict[str, int]:
    """Sizes, as far as known, of the files of snapshots that go which none that stays has.

    Where all were appends every data file is taken to be live still, for looking through all manifests is
    most of the work. What that overlooks, files of a dropped branch, is left to the removal of orphans.
    """
    gone, kept = SnapshotFiles.of(going, io), SnapshotFiles.of(staying, io)
    manifests = [each for path, each in gone.manifests.items() if path not in kept.manifests]
    sizes = dict.fromkeys(gone.lists - kept.lists, 0)
    sizes |= {each.manifest_path: each.manifest_length for each in manifests}
    if _only_appends(going) and _only_appends(staying):
        return sizes
    candidates = entries_of(manifests, io)
    if candidates:
        live = entries_of(kept.manifests.values(), io)
        sizes |= {path: size for path, size in candidates.items() if path not in live}
    return sizes


def _only_appends(snapshots: list[Snapshot]) -> bool:
    return all(each.summary is not None and each.summary.operation == Operation.APPEND for each in snapshots)


@dataclass(frozen=True, slots=True)
class _Limits:
    age_ms: int
    least: int
    now_ms: int

    @classmethod
    def of(cls, metadata: TableMetadata, settings: MaintenanceSettings, now_ms: int) -> _Limits:
        properties = metadata.properties
        age = property_as_int(properties, TableProperties.MAX_SNAPSHOT_AGE_MS, settings.snapshot_age_ms)
        least = property_as_int(properties, TableProperties.MIN_SNAPSHOTS_TO_KEEP, settings.snapshots_kept)
        return cls(age or 0, max(1, least or 1), now_ms)

    def kept_by(self, metadata: TableMetadata, ref: SnapshotRef) -> Iterator[Snapshot]:
        """A tag keeps its snapshot; a branch its newest ones, and those that are young."""
        least = ref.min_snapshots_to_keep or self.least
        age = self.age_ms if ref.max_snapshot_age_ms is None else ref.max_snapshot_age_ms
        for number, snapshot in enumerate(_line(metadata, ref.snapshot_id)):
            is_tag = ref.snapshot_ref_type == SnapshotRefType.TAG
            if number >= (1 if is_tag else least) and (is_tag or snapshot.timestamp_ms < self.now_ms - age):
                return
            yield snapshot


def _is_over(metadata: TableMetadata, name: str, ref: SnapshotRef, now_ms: int) -> bool:
    if name == MAIN_BRANCH or ref.max_ref_age_ms is None:
        return False
    snapshot = metadata.snapshot_by_id(ref.snapshot_id)
    return snapshot is None or snapshot.timestamp_ms < now_ms - ref.max_ref_age_ms


def _not_in_main(metadata: TableMetadata, ref: SnapshotRef) -> list[Snapshot]:
    """What leads from `main` to a branch that is ahead of it; without that nobody could tell that it is."""
    main = metadata.refs.get(MAIN_BRANCH)
    ahead: list[Snapshot] = []
    if main is None or ref.snapshot_ref_type != SnapshotRefType.BRANCH:
        return ahead
    for each in _line(metadata, ref.snapshot_id):
        if each.snapshot_id == main.snapshot_id:
            return ahead
        ahead.append(each)
    return []


def _line(metadata: TableMetadata, snapshot_id: int | None) -> Iterator[Snapshot]:
    """A snapshot and its ancestors, as far as they are known."""
    by_id = {each.snapshot_id: each for each in metadata.snapshots}
    while snapshot_id is not None and (snapshot := by_id.get(snapshot_id)) is not None:
        yield snapshot
        snapshot_id = snapshot.parent_snapshot_id


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
