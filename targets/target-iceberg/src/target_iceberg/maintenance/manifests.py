"""Writes the manifests of a table anew when there are many small ones, sorted by partition.

Planning a query reads every manifest whose partitions might matter, so few that each hold few partitions are
best.
"""

from __future__ import annotations

from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING

from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import MAIN, commit_tables
from target_iceberg.commit.merging import MergeRule
from target_iceberg.maintenance.report import Manifests

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from target_iceberg.commit.limits import CommitLimits
    from target_iceberg.maintenance.settings import MaintenanceSettings


def plan_manifests(table: Table, settings: MaintenanceSettings, branch: str = MAIN) -> Manifests:
    """Say how many there are and about how many there would be; nothing if that is no great gain.

    Raises:
        OSError: the manifest list cannot be read.
    """
    snapshot = table.metadata.snapshot_by_name(branch)
    manifests = snapshot.manifests(table.io) if snapshot else []
    sizes: dict[tuple[int, int], int] = defaultdict(int)
    for each in manifests:
        sizes[each.content, each.partition_spec_id] += each.manifest_length
    target = MergeRule.of(table.properties).target_bytes
    ideal = sum(ceil(size / target) for size in sizes.values())
    if len(manifests) < max(settings.manifests, 2 * ideal):
        return Manifests()
    return Manifests(len(manifests), ideal)


def regroup_manifests(
    catalog: Catalog,
    identifier: tuple[str, ...],
    settings: MaintenanceSettings,
    commit_limits: CommitLimits | None = None,
    *,
    branch: str = MAIN,
) -> Manifests:
    """Write the manifests of a branch anew, if there are many.

    Raises:
        StoreError: the catalog or the store refuses; the table is as it was before.
    """
    planned: list[Manifests] = []

    def change(table: Table) -> Change | None:
        plan = plan_manifests(table, settings, branch)
        planned.append(plan)
        return Change(replace=True, regroup=True) if plan.before else None

    commits = [TableCommit(identifier, change)]
    commit_tables(catalog, None, commits, branch=branch, limits=commit_limits)
    if not planned or not planned[-1].before:
        return Manifests()
    table = catalog.load_table(identifier)
    snapshot = table.metadata.snapshot_by_name(branch)
    return Manifests(planned[-1].before, len(snapshot.manifests(table.io)) if snapshot else 0)
