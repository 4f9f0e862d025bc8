"""The ways of loading that the crash tests go through: what the tap sends and what the target is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Method:
    """A way of loading two tables.

    Attributes:
        tap: settings of the tap.
        target: settings of the target.
        tables: how many.
        files: that the first epoch publishes.
    """

    tap: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    tables: int = 2
    files: int = 4

    def passing(self, step: str, epoch: int) -> int:
        """Which passing of a step is the first one in an epoch, of the first two."""
        if epoch == 1:
            return 1
        return 1 + {"commit.file": self.files, "commit.table": self.tables}.get(step, 1)


METHODS = {
    "append": Method(target={"partition_by": ["part"]}),
    "one-table": Method(tap={"streams": 1}, tables=1, files=1),
    "overwrite": Method(target={"load_method": "overwrite", "partition_by": ["part"]}),
    "schema-change": Method(tap={"widened_at": 250}, files=2),
    "upsert": Method(tap={"keys": 150}, target={"load_method": "upsert", "partition_by": ["part"]}, files=6),
}
ADDING = tuple(name for name in METHODS if name != "overwrite")
"""Those that commit in the middle of a run. A schema changes, and keys come back, in the second epoch."""
