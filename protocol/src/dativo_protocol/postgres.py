"""Rows of PostgreSQL's COPY as Arrow batches, for connectors: the native core takes them from libpq."""

from __future__ import annotations

from dativo_native import InvalidValue, IoError
from dativo_native.pg import PgConnection, PgOptions, PgRows, PgStep, PqCalls

__all__ = ["InvalidValue", "IoError", "PgConnection", "PgOptions", "PgRows", "PgStep", "PqCalls"]
