"""How far a table has been read, as its bookmark has it.

    {"version": 1795447219472,
     "snapshot": {"by": "ctid", "xmin": "756", "query": "5f0c…",
                  "leaf": {"public.big": {"filenode": 16400, "pages": 21235, "done": [[0, 12288]]}}}}

`"lsn"` is there, too, if the table's changes are read from the log afterwards: it is where they begin.

Rows of finished pages that were written since, by a transaction that had not ended at `xmin`, are read once
more by whoever goes on: see `mending`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_postgres.chunks import Pages, merged
from tap_postgres.copying import copy_statement
from tap_postgres.late_commits import OLDEST_AGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_postgres.jobs import Chunk
    from tap_postgres.storage import Leaf, Storage
    from tap_postgres.tables import StreamPlan


@dataclass(frozen=True, slots=True)
class LeafProgress:
    """How far one table of pages has been read.

    Attributes:
        filenode: another one after the table was written anew.
        pages: how many there were at first.
        done: which have been read.
    """

    filenode: int
    pages: int
    done: tuple[Pages, ...] = ()


@dataclass(frozen=True, slots=True)
class TableProgress:
    """How far a stream has been read.

    Attributes:
        xmin: transactions before this one had ended when the reading began.
        query: digest of what is selected.
        leaves: by name.
        lsn: from where on its changes are in the log, None if they are not wanted.
    """

    xmin: int
    query: str
    leaves: Mapping[str, LeafProgress]
    lsn: int | None = None

    @classmethod
    def fresh(cls, storage: Storage, plan: StreamPlan, lsn: int | None = None) -> TableProgress:
        """Nothing has been read."""
        leaves = {leaf.name: LeafProgress(leaf.filenode, leaf.pages) for leaf in storage.leaves}
        return cls(storage.xmin, digest_of(plan), leaves, lsn)

    @classmethod
    def parse(cls, values: Any) -> TableProgress | None:
        """Read what `to_dict` has made; None if it is something else."""
        try:
            leaves = {
                name: LeafProgress(
                    int(leaf["filenode"]),
                    int(leaf["pages"]),
                    merged(Pages(start, end) for start, end in leaf["done"]),
                )
                for name, leaf in values["leaf"].items()
            }
            lsn = values.get("lsn")
            return (
                cls(int(values["xmin"]), str(values["query"]), leaves, None if lsn is None else int(lsn))
                if values["by"] == "ctid"
                else None
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """Make it part of a bookmark."""
        leaves = {
            name: {
                "filenode": leaf.filenode,
                "pages": leaf.pages,
                "done": [[pages.start, pages.end] for pages in leaf.done],
            }
            for name, leaf in self.leaves.items()
        }
        log = {} if self.lsn is None else {"lsn": self.lsn}
        return {"by": "ctid", "xmin": str(self.xmin), "query": self.query, **log, "leaf": leaves}

    def with_done(self, chunk: Chunk) -> TableProgress:
        """Return the progress once this chunk has been written."""
        leaf = self.leaves[chunk.leaf]
        done = replace(leaf, done=merged((*leaf.done, chunk.pages)))
        return replace(self, leaves={**self.leaves, chunk.leaf: done})

    def resumed(self, storage: Storage) -> TableProgress:
        """Return the progress of a reading that goes on: tables that are new have not been read."""
        new = {leaf.name: LeafProgress(leaf.filenode, leaf.pages) for leaf in storage.leaves}
        return replace(self, leaves={**new, **self.leaves})

    def obstacle(self, storage: Storage, plan: StreamPlan) -> str | None:
        """Say why this reading cannot go on, None if it can."""
        if self.query != digest_of(plan):
            return "other columns or conditions are selected"
        if not 0 <= storage.xmin - self.xmin < OLDEST_AGE:
            return "too many transactions have passed, or this is another server"
        now = {leaf.name: leaf for leaf in storage.leaves}
        reasons = (_leaf_obstacle(name, leaf, now.get(name)) for name, leaf in self.leaves.items())
        return next((reason for reason in reasons if reason), None)


def _leaf_obstacle(name: str, before: LeafProgress, now: Leaf | None) -> str | None:
    if now is None:
        return f"{name} is gone"
    if now.filenode != before.filenode:
        return f"{name} was written anew"
    return f"{name} has shrunk" if now.pages < before.pages else None


def digest_of(plan: StreamPlan) -> str:
    """Return a digest of what is selected of a stream."""
    statement = copy_statement(replace(plan, constants=()))
    return hashlib.sha256(statement.as_bytes(None)).hexdigest()[:16]
