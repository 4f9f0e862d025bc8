"""What one commit does to one table, said without knowing how a commit is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction

    from target_iceberg.commit.tag import Tag


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a table, given the head it has now.

    An empty change writes nothing but the marker; a snapshot is written only where files come or go.

    Attributes:
        add: new data files; `spec_id` says which partition spec each was written for.
        deletes: new files of position (or equality) deletes.
        remove: files that go, of data or of deletes; each has to be live in the head.
        evolve: steps of schema, partition spec, sort order or refs, taken before the files are added.
        properties: table properties to set.
        summary: additional lines of the snapshot's summary.
        requires_live: paths of data files that the deletes point at; each has to be live in the head.
        replace: the rows stay the same, other files hold them (compaction); marks the snapshot so.
        regroup: all manifests are written anew, in the order of their partitions; for `replace` alone.
        tag: for the snapshot, if one is made.
        data_sequence_number: of the files in `add`, where their rows are older than this commit: equality
            deletes that came later than these rows then still apply to them. None for new rows.
    """

    add: tuple[DataFile, ...] = ()
    deletes: tuple[DataFile, ...] = ()
    remove: tuple[DataFile, ...] = ()
    evolve: Callable[[Transaction], None] | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, str] = field(default_factory=dict)
    requires_live: frozenset[str] = frozenset()
    replace: bool = False
    regroup: bool = False
    tag: Tag | None = None
    data_sequence_number: int | None = None

    @property
    def moves_files(self) -> bool:
        """Whether it makes a snapshot."""
        return bool(self.add or self.deletes or self.remove or self.regroup)


@dataclass(frozen=True, slots=True)
class TableCommit:
    """A table and what shall happen to it.

    `plan` is called anew for every attempt, with the table as the catalog has it then; None says that there
    is nothing to do, not even a marker to set. It raises ConflictError to be called again with the table
    loaded anew.
    """

    identifier: tuple[str, ...]
    plan: Callable[[Table], Change | None]
