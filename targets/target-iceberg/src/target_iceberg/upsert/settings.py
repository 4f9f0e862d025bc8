"""How rows that others replace are made to go."""

from __future__ import annotations

from dataclasses import dataclass, field

from target_iceberg.upsert.probe import ProbeLimits


@dataclass(frozen=True, slots=True)
class UpsertSettings:
    """How a commit of replaced rows is planned.

    Attributes:
        rewrite_ratio: of rows gone at which a file is written anew rather than given one more delete file.
        files_with_own_deletes: the most data files that get a delete file each; if more of them are hit, the
            files of a partition share one.
        limits: of the search.
        probe_bytes: of key columns that a commit reads to find rows; where it were more, their keys are
            written down instead, for readers to look for (equality deletes). None: it always reads.
    """

    rewrite_ratio: float = 0.3
    files_with_own_deletes: int = 64
    limits: ProbeLimits = field(default_factory=ProbeLimits)
    probe_bytes: int | None = None
