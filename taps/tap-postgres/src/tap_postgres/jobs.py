"""What readers are given to do, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from psycopg import sql

    from tap_postgres.chunks import Pages
    from tap_postgres.tables import StreamPlan


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a stream that is done as one.

    Attributes:
        leaf: name of the table that the pages are of, quoted, as in the STATE.
        pages: which.
    """

    leaf: str
    pages: Pages


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Something to read by one reader.

    Attributes:
        stream: that the rows are of.
        statements: COPYs, one after the other.
        chunk: that is done with it, if any.
    """

    stream: StreamPlan
    statements: tuple[sql.Composable, ...]
    chunk: Chunk | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows of a job, in the order in which they came."""

    job: Job
    batch: pa.RecordBatch


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """All rows of a job have come.

    Attributes:
        job: that is done.
        changed: how many values of which column a policy has changed.
    """

    job: Job
    changed: Mapping[str, int]
