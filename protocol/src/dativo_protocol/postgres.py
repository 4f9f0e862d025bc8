"""PostgreSQL's rows and changes as Arrow batches, for connectors: the native core takes them from libpq."""

from __future__ import annotations

from dativo_native import InvalidValue, IoError
from dativo_native.pg import (
    PgChange,
    PgChangeKind,
    PgChanges,
    PgConnection,
    PgOptions,
    PgRelation,
    PgRelationColumn,
    PgRows,
    PgStep,
    PqCalls,
)

__all__ = [
    "InvalidValue",
    "IoError",
    "PgChange",
    "PgChangeKind",
    "PgChanges",
    "PgConnection",
    "PgOptions",
    "PgRelation",
    "PgRelationColumn",
    "PgRows",
    "PgStep",
    "PqCalls",
]
