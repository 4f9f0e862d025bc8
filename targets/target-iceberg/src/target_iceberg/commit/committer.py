"""Bring an epoch into its tables exactly once, whatever the catalog and other writers do meanwhile.

Every attempt begins with the tables as they are. A table whose marker names our epoch has it, however the
attempt before ended; one that is further ahead says that somebody else goes on under our name. Only then a
change is planned upon what was loaded, and committed on condition that nothing of it has moved. So neither a
conflict nor an answer that got lost ever needs a decision of its own: both end in looking again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dativo_protocol.errors import DativoError
from target_parquet import faults

from target_iceberg.commit.backends import backend_of
from target_iceberg.commit.limits import CommitLimits, Patience
from target_iceberg.commit.marker import Marker, has_epoch
from target_iceberg.commit.outcomes import Outcome, catalog_errors, outcome_of, reason_of
from target_iceberg.commit.staging import StagedCommit, discard, stage
from target_iceberg.errors import ConflictError, FencedError, StoreError, UnfinishedError
from target_iceberg.secrets import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from target_iceberg.commit.change import Change, TableCommit

logger = logging.getLogger(__name__)
MAIN = "main"
_CHECK = "Check that the catalog can be reached and written to, then run again."


def commit_tables(
    catalog: Catalog,
    marker: Marker | None,
    commits: Sequence[TableCommit],
    *,
    branch: str | None = None,
    snapshot_ids: Mapping[tuple[str, ...], int] | None = None,
    loaded: Mapping[tuple[str, ...], Table] | None = None,
    limits: CommitLimits | None = None,
) -> None:
    """Commit to every table, all at once where the catalog can do that, and return when all have it.

    May be repeated with the same arguments, by any process, whatever became of the attempt before.

    Args:
        catalog: that has the tables.
        marker: the epoch; None for work that belongs to no epoch, such as compaction. That is recognised by
            its snapshot id alone, and `plan` has to see by itself when a change without a snapshot is done.
        commits: at most one for each table.
        branch: to commit to, `main` if None; begins at the head of `main` when it is new.
        snapshot_ids: of the snapshots to be, by table; others are chosen.
        loaded: tables that the caller has loaded a moment ago, for the first attempt; if somebody else was
            quicker since then it ends as a conflict, like any other.
        limits: when to give up.

    Raises:
        FencedError: a table has a later epoch of this pipeline, or another one of this number.
        UnfinishedError: some tables may have it; repeat the call to complete it.
        StoreError: no table has it.
    """
    ids, tables = snapshot_ids or {}, loaded or {}
    pending = [
        _Pending(commit, ids.get(commit.identifier), tables.get(commit.identifier)) for commit in commits
    ]
    _Committing(catalog, marker, branch or MAIN, pending, Patience(limits or CommitLimits())).run()


@dataclass(slots=True)
class _Pending:
    """A table that does not have the epoch yet.

    While it is `in_doubt`, what the catalog has refused may have been a repetition of what it had done.
    """

    commit: TableCommit
    snapshot_id: int | None
    loaded: Table | None
    attempts: list[StagedCommit] = field(default_factory=list)
    in_doubt: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.commit.identifier)


@dataclass(slots=True)
class _Committing:
    catalog: Catalog
    marker: Marker | None
    branch: str
    pending: list[_Pending]
    patience: Patience
    _some_may_have_it: bool = False

    def run(self) -> None:
        while self.pending:
            try:
                self._attempt()
            except catalog_errors() as error:
                self._look_again_or_give_up(error)
            except (FencedError, UnfinishedError):
                raise
            except DativoError as error:
                raise self._failure(error.message, error.instruction) from error

    def _attempt(self) -> None:
        staged: list[tuple[_Pending, StagedCommit]] = []
        try:
            for each in list(self.pending):
                commit = self._stage(each)
                if commit is None:
                    self.pending.remove(each)
                else:
                    staged.append((each, commit))
        except BaseException:
            for _, commit in staged:
                discard(commit.table.io, commit.written)
            raise
        if staged:
            self._submit(staged)

    def _submit(self, staged: Sequence[tuple[_Pending, StagedCommit]]) -> None:
        faults.passing("commit.staged")
        for each, commit in staged:
            each.attempts.append(commit)
        backend = backend_of(self.catalog)
        try:
            backend.commit([commit for _, commit in staged], self._landed)
        except catalog_errors():
            for each in self.pending:
                each.in_doubt = backend.repeats_requests
            raise

    def _stage(self, pending: _Pending) -> StagedCommit | None:
        """Plan upon the table as it is now; None if it has the epoch or needs nothing."""
        table, pending.loaded = pending.loaded or self.catalog.load_table(pending.commit.identifier), None
        if pending.snapshot_id is None:
            pending.snapshot_id = table.metadata.new_snapshot_id()
        done, pending.in_doubt = self._has_it(table, pending.snapshot_id), False
        _discard_what_failed(table, pending, self.branch)
        if done:
            self._some_may_have_it = True
            return None
        change = self._planned(pending, table)
        if change is None:
            return None
        return stage(table, change, marker=self.marker, branch=self.branch, snapshot_id=pending.snapshot_id)

    def _planned(self, pending: _Pending, table: Table) -> Change | None:
        """Plan; a file that is missing since the table has moved on went with a snapshot that expired."""
        try:
            return pending.commit.plan(table)
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError) or not self._has_moved(table):
                raise
            raise ConflictError(f"files have gone meanwhile: {error.message}") from error

    def _has_moved(self, table: Table) -> bool:
        return self.catalog.load_table(table.name()).metadata_location != table.metadata_location

    def _has_it(self, table: Table, snapshot_id: int) -> bool:
        if table.metadata.snapshot_by_id(snapshot_id) is not None:
            return True
        return self.marker is not None and has_epoch(table.metadata, self.marker, ".".join(table.name()))

    def _landed(self, commit: StagedCommit) -> None:
        """The catalog says that a table has it."""
        self._some_may_have_it = True
        self.pending = [each for each in self.pending if each.commit.identifier != commit.table.name()]
        faults.passing("commit.table")

    def _look_again_or_give_up(self, error: Exception) -> None:
        outcome = outcome_of(error)
        reason = Redactor(self.catalog.properties)(reason_of(error))
        if outcome is Outcome.CONFLICT:
            self.patience.conflicts += 1
        elif outcome is Outcome.UNKNOWN and any(each.attempts for each in self.pending):
            self._some_may_have_it = True
        tables = ", ".join(each.name for each in self.pending)
        if outcome is Outcome.REFUSED:
            raise self._failure(f"cannot commit to {tables}: {reason}") from error
        if self.patience.is_over():
            waited = f"{self.patience.conflicts} conflicts, {self.patience.waited:.0f} s"
            raise self._failure(f"cannot commit to {tables}: {reason} (given up after {waited})") from error
        logger.warning("commit to %s is tried again: %s", tables, reason)
        self.patience.wait()

    def _failure(self, message: str, instruction: str = "") -> StoreError:
        if self._some_may_have_it or any(each.in_doubt for each in self.pending):
            return UnfinishedError(message, instruction=instruction)
        return StoreError(
            message,
            instruction=instruction or "Check the catalog and the rights to write there.",
            retryable=True,
        )


def _discard_what_failed(table: Table, pending: _Pending, branch: str) -> None:
    """Remove what earlier attempts have written, where it is certain that they never landed nor ever will.

    That is so when the head has moved from the one an attempt asserts, to a snapshot that is not its own.
    """
    metadata = table.metadata
    head, landed = metadata.snapshot_by_name(branch), metadata.snapshot_by_id(pending.snapshot_id or 0)
    for attempt in list(pending.attempts):
        base = attempt.table.metadata.snapshot_by_name(branch)
        moved = head is not None and (base is None or base.snapshot_id != head.snapshot_id)
        is_it = landed is not None and landed.manifest_list in attempt.written
        if moved and not is_it:
            discard(table.io, attempt.written)
            pending.attempts.remove(attempt)
