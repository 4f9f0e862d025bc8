"""Which branches of a table are tended, so that what waits on one of them can still be published.

`main` is moved to a branch only if the branch has all that `main` has. So where a branch that loads commit to
is ahead of `main`, or where `main` is, the branch alone is tended, and `main` follows as far as no row
differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from pyiceberg.table.snapshots import Operation, ancestors_of

from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import MAIN, commit_tables
from target_iceberg.commit.staging import moved_ref

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.snapshots import Snapshot

    from target_iceberg.commit.limits import CommitLimits


@dataclass(frozen=True, slots=True)
class Heads:
    """What is to be tended.

    Attributes:
        named: branches that were asked for; none to choose by what is loaded.
        loaded: the branch that loads commit to; None for `main`.
    """

    named: tuple[str, ...] = ()
    loaded: str | None = None

    def of(self, table: Table) -> list[str]:
        """Branches of a table, of those that it has."""
        refs = table.metadata.refs
        if self.named:
            return [name for name in self.named if name in refs]
        if self.loaded is None or self.loaded not in refs:
            return [MAIN]
        main = table.metadata.snapshot_by_name(MAIN)
        if main is None or main in _line(table, self.loaded):
            return [self.loaded]
        return list(dict.fromkeys((MAIN, self.loaded)))

    def let_main_follow(
        self, catalog: Catalog, identifier: tuple[str, ...], limits: CommitLimits | None = None
    ) -> None:
        """Move `main` over what maintenance has done on the branch, but never over a change of rows.

        Raises:
            StoreError: the catalog refuses; `main` is where it was.
        """
        if self.loaded is None:
            return
        branch = self.loaded

        def change(table: Table) -> Change | None:
            target = _same_rows(table, branch)
            if target is None:
                return None
            update = moved_ref(table.metadata, MAIN, target)

            def move(transaction: Transaction) -> None:
                transaction._stage((update,), ())  # noqa: SLF001

            return Change(evolve=move)

        commit_tables(catalog, None, [TableCommit(identifier, change)], limits=limits)


def _same_rows(table: Table, branch: str) -> Snapshot | None:
    """The newest snapshot of a branch that has `main`'s rows in other files."""
    main, line = table.metadata.snapshot_by_name(MAIN), _line(table, branch)
    if main is None or main not in line:
        return None
    since = reversed(list(takewhile(lambda each: each != main, line)))
    replaced = list(takewhile(_replaces, since))
    return replaced[-1] if replaced else None


def _replaces(snapshot: Snapshot) -> bool:
    return snapshot.summary is not None and snapshot.summary.operation == Operation.REPLACE


def _line(table: Table, branch: str) -> list[Snapshot]:
    """Head of a branch and its ancestors, as far as they are known."""
    return list(ancestors_of(table.metadata.snapshot_by_name(branch), table.metadata))
