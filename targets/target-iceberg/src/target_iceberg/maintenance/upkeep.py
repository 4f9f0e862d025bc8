"""Everything maintenance does to one table, in the order in which each step helps the next."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from target_iceberg.commit.committer import MAIN
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.commit.outcomes import catalog_errors, reason_of
from target_iceberg.errors import StoreError
from target_iceberg.maintenance.by_position import find_deleted_rows, turnable_files
from target_iceberg.maintenance.compaction import compact, plan_compaction
from target_iceberg.maintenance.expiry import expire, plan_expiry
from target_iceberg.maintenance.heads import Heads
from target_iceberg.maintenance.manifests import plan_manifests, regroup_manifests
from target_iceberg.maintenance.orphans import find_orphans, remove_orphans
from target_iceberg.maintenance.report import Cleaning, Contents, TableReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from target_iceberg.maintenance.settings import MaintenanceSettings

logger = logging.getLogger(__name__)

_BESIDE_A_LOAD = CommitLimits(attempts=3, seconds=30.0)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Tends the tables of a catalog.

    Attributes:
        catalog: that has them.
        settings: what to do.
        promised: places of files that the ledger names.
        commit_limits: when to give up committing.
        heads: branches whose files are put in order.
    """

    catalog: Catalog
    settings: MaintenanceSettings
    promised: Callable[[], Collection[str]]
    commit_limits: CommitLimits = field(default_factory=CommitLimits)
    heads: Heads = field(default_factory=Heads)

    def plan(self, identifier: tuple[str, ...]) -> TableReport:
        """Say what `tend` would do and cost, without changing anything.

        Raises:
            StoreError: the table cannot be read.
        """
        table = self.catalog.load_table(identifier)
        orphans = find_orphans(self.catalog, identifier, self.settings.orphan_age_seconds, self.promised)
        report = self._begun(identifier, table)
        compaction, manifests, turned = report.compaction, report.manifests, 0
        for branch in report.branches:
            left = self.settings.rewrite_bytes - compaction.bytes_before
            compaction += plan_compaction(table, self.settings, left, branch)
            manifests += plan_manifests(table, self.settings, branch)
            turned += turnable_files(table, branch)
        return replace(
            report,
            equality_deletes=turned,
            compaction=compaction,
            manifests=manifests,
            expiry=plan_expiry(table, self.settings),
            orphans=Cleaning(files=len(orphans), bytes=sum(orphans.values())),
        )

    def tend(self, identifier: tuple[str, ...]) -> TableReport:
        """Turn equality deletes into positions, compact, put manifests in order, expire, and delete orphans.

        Raises:
            StoreError: a step is refused; those before it are done.
        """
        report = self._begun(identifier, self.catalog.load_table(identifier))
        compacted, regrouped, turned = report.compaction, report.manifests, 0
        for branch in report.branches:
            left = self.settings.rewrite_bytes - compacted.bytes_before
            step = (self.catalog, identifier, self.settings)
            turned += find_deleted_rows(self.catalog, identifier, self.commit_limits, branch=branch)
            compacted += compact(*step, left, self.commit_limits, branch=branch)
            regrouped += regroup_manifests(*step, self.commit_limits, branch=branch)
        self.heads.let_main_follow(self.catalog, identifier, self.commit_limits)
        expired = expire(self.catalog, identifier, self.settings, self.commit_limits)
        orphans = remove_orphans(self.catalog, identifier, self.settings.orphan_age_seconds, self.promised)
        return replace(
            report,
            equality_deletes=turned,
            compaction=compacted,
            manifests=regrouped,
            expiry=expired,
            orphans=orphans,
        )

    def _begun(self, identifier: tuple[str, ...], table: Table) -> TableReport:
        branches = tuple(self.heads.of(table))
        contents = contents_of(table, *branches[:1])
        return TableReport(".".join(identifier), contents, branches)


def inline_upkeep(
    catalog: Catalog, identifier: tuple[str, ...], settings: MaintenanceSettings, branch: str | None = None
) -> None:
    """Compact a little and expire, between two epochs of a load; what fails is logged and left.

    Equality deletes are turned into positions where all rows they may apply to are in few enough bytes.
    The loader calls this after every `settings.every_epochs` commits, for each table they went to, with the
    branch they went to: `main` stays as it is while a branch is loaded, so that it can be moved there.
    """
    limit = settings.inline_rewrite_bytes
    name = ".".join(identifier)
    try:
        if limit:
            find_deleted_rows(catalog, identifier, _BESIDE_A_LOAD, branch=branch, at_most=limit)
            compact(catalog, identifier, settings, limit, _BESIDE_A_LOAD, branch=branch or MAIN)
        expire(catalog, identifier, settings, _BESIDE_A_LOAD)
    except StoreError as error:
        logger.warning("upkeep of table %s is left for later: %s", name, error.message)
    except catalog_errors() as error:
        logger.warning("upkeep of table %s is left for later: %s", name, reason_of(error))


def contents_of(table: Table, branch: str = MAIN) -> Contents:
    """Sum a branch of a table up, from the summary of its manifest list alone.

    Raises:
        OSError: the list cannot be read.
    """
    from pyiceberg.manifest import ManifestContent

    snapshot = table.metadata.snapshot_by_name(branch)
    manifests = snapshot.manifests(table.io) if snapshot else []
    counts = dict.fromkeys(ManifestContent, 0)
    rows = 0
    for each in manifests:
        counts[each.content] += (each.added_files_count or 0) + (each.existing_files_count or 0)
        if each.content == ManifestContent.DATA:
            rows += (each.added_rows_count or 0) + (each.existing_rows_count or 0)
    summary = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return Contents(
        data_files=counts[ManifestContent.DATA],
        data_bytes=int(summary.get("total-files-size", 0)),
        rows=rows,
        delete_files=counts[ManifestContent.DELETES],
        manifests=len(manifests),
        snapshots=len(table.metadata.snapshots),
    )
