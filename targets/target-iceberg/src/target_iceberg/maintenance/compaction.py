"""Puts small files together and writes files with many deletes anew, beside running loads.

The rows stay the same, so a compaction gives way to every other writer: what changed between the choice of a
file and the commit is left out of the commit, and what has been written for it is removed. New files carry
the sequence number of the version they were read from, so that equality deletes that came later still apply.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import MAIN, commit_tables
from target_iceberg.commit.local_files import make_durable
from target_iceberg.maintenance.bins import Bin, choose_bins, target_bytes
from target_iceberg.maintenance.dangling import dangling_deletes
from target_iceberg.maintenance.removal import remove_files
from target_iceberg.maintenance.report import Compaction
from target_iceberg.maintenance.rewriting import Rewriter
from target_iceberg.upsert.live_files import live_files

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.commit.limits import CommitLimits
    from target_iceberg.maintenance.settings import MaintenanceSettings
    from target_iceberg.upsert.live_files import LiveFile

logger = logging.getLogger(__name__)

_ROUNDS = 3
"""Times that files which were in other writers' hands are chosen anew."""


def plan_compaction(
    table: Table, settings: MaintenanceSettings, limit: int, branch: str = MAIN
) -> Compaction:
    """Say what compaction would do to a branch of a table, from its manifests alone."""
    files = live_files(table, table.metadata.snapshot_by_name(branch))
    bins = choose_bins(files, target_bytes(table.properties), settings, limit)
    return Compaction(
        files_before=sum(len(each.files) for each in bins),
        files_after=len(bins),
        bytes_before=sum(each.bytes for each in bins),
        delete_files=len(
            {delete.file_path for each in bins for file in each.files for delete in file.deletes}
        ),
    )


def compact(
    catalog: Catalog,
    identifier: tuple[str, ...],
    settings: MaintenanceSettings,
    limit: int,
    commit_limits: CommitLimits | None = None,
    *,
    branch: str = MAIN,
) -> Compaction:
    """Compact a branch of a table as far as settings ask for it and other writers allow.

    Args:
        catalog: that has the table.
        identifier: of the table.
        settings: what is small, and how many deletes are many.
        limit: bytes of data files to write anew.
        commit_limits: when to give up committing.
        branch: nothing is done where the table has none of this name.

    Raises:
        StoreError: files or the catalog refuse; the table is as it was before, or compacted.
    """
    done = Compaction()
    for _ in range(_ROUNDS):
        table = catalog.load_table(identifier)
        attempt = _Attempt.prepare(table, branch, settings, limit - done.bytes_before)
        if not attempt.rewritten:
            return done
        commits = [TableCommit(identifier, attempt.change)]
        commit_tables(catalog, None, commits, branch=branch, limits=commit_limits)
        done += attempt.settle()
        if len(attempt.fitting) == len(attempt.rewritten):
            return done
        logger.info("table %s changed beside its compaction; what changed is compacted anew", table.name())
    return done


@dataclass(slots=True)
class _Attempt:
    """Bins of one version of a branch, written anew.

    Attributes:
        table: as it was then.
        branch: of it.
        rewritten: new files of each bin.
        fitting: the bins that could still be committed when a commit was last tried.
        dangling: delete files that no data file needs after that.
    """

    table: Table
    branch: str
    rewritten: list[tuple[Bin, list[DataFile]]]
    fitting: list[tuple[Bin, list[DataFile]]] = field(default_factory=list)
    dangling: list[DataFile] = field(default_factory=list)

    @classmethod
    def prepare(cls, table: Table, branch: str, settings: MaintenanceSettings, limit: int) -> _Attempt:
        target = target_bytes(table.properties)
        files = live_files(table, table.metadata.snapshot_by_name(branch))
        rewriter = Rewriter(table, target)
        chosen = choose_bins(files, target, settings, limit)
        rewritten = [
            (each, rewriter.rewrite(each)) for each in chosen if all(map(rewriter.can_read, each.files))
        ]
        make_durable(file.file_path for _, files in rewritten for file in files)
        return cls(table, branch, rewritten)

    def change(self, table: Table) -> Change | None:
        """What to commit to the table as it is by now; called anew after every conflict."""
        self.fitting, self.dangling = [], []
        if table.metadata.table_uuid != self.table.metadata.table_uuid:
            return None
        head = table.metadata.snapshot_by_name(self.branch)
        live = {each.path: each for each in live_files(table, head)}
        fitting = [(chosen, files) for chosen, files in self.rewritten if _is_as_read(chosen, live)]
        if not fitting:
            return None
        going = [each.file for chosen, _ in fitting for each in chosen.files]
        for file in going:
            del live[file.file_path]
        self.fitting, self.dangling = fitting, dangling_deletes(table, head, live.values())
        read = self.table.metadata.snapshot_by_name(self.branch)
        assert read is not None
        return Change(
            add=tuple(file for _, files in fitting for file in files),
            remove=(*going, *self.dangling),
            replace=True,
            data_sequence_number=read.sequence_number,
        )

    def settle(self) -> Compaction:
        """Remove what was written in vain; returns what was committed."""
        kept = {id(files) for _, files in self.fitting}
        vain = [file.file_path for _, files in self.rewritten if id(files) not in kept for file in files]
        remove_files(self.table.io, vain)
        return Compaction(
            files_before=sum(len(chosen.files) for chosen, _ in self.fitting),
            files_after=sum(len(files) for _, files in self.fitting),
            bytes_before=sum(chosen.bytes for chosen, _ in self.fitting),
            bytes_after=sum(file.file_size_in_bytes for _, files in self.fitting for file in files),
            delete_files=len(self.dangling),
        )


def _is_as_read(chosen: Bin, head: dict[str, LiveFile]) -> bool:
    """Whether all files of a bin are live, and no row of them was deleted since they were read."""
    return all(
        (now := head.get(live.path)) is not None and _deletes(now) == _deletes(live) for live in chosen.files
    )


def _deletes(live: LiveFile) -> set[str]:
    return {delete.file_path for delete in live.deletes}
