"""Where the rows of a stream lie: tables of pages that can be read in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_postgres.errors import asking

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.tables import StreamPlan

_RANGE_SCANS = 140000
"""Since this version a range of pages is read without the rest of the table."""

_KINDS = ("table", "partitioned table", "materialized view")

_FAMILY = """
WITH RECURSIVE family AS (
    SELECT %(root)s::oid AS oid
    UNION
    SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid
)
SELECT n.nspname, c.relname, c.relkind::text,
    c.relrowsecurity OR c.relkind NOT IN ('r', 'm', 'p') OR (c.relkind <> 'p' AND a.amname <> 'heap')
        OR (c.oid <> %(root)s AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
            OR NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')),
    pg_catalog.format('%%I.%%I', n.nspname, c.relname),
    CASE WHEN c.relkind = 'p' THEN 0
        ELSE pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 END,
    coalesce(pg_catalog.pg_relation_filenode(c.oid)::int8, 0)
FROM family
JOIN pg_catalog.pg_class c USING (oid)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
ORDER BY c.oid <> %(root)s, n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A table that rows of a stream lie in.

    Attributes:
        name: quoted, with its schema.
        pages: how many it has; no row of the snapshot lies beyond.
        filenode: another one after the table was written anew.
    """

    schema: str
    table: str
    name: str
    pages: int
    filenode: int


@dataclass(frozen=True, slots=True)
class Storage:
    """What the rows of a stream lie in.

    Attributes:
        leaves: the table itself, its partitions and its children.
        xmin: transactions before this one had ended when the snapshot was taken.
    """

    leaves: tuple[Leaf, ...]
    xmin: int


def _hold(connection: psycopg.Connection[TupleRow], plan: StreamPlan) -> None:
    """Let nobody write the table anew until the transaction ends: its rows would lie on other pages."""
    from psycopg import sql

    table = sql.Identifier(plan.table.schema, plan.table.name)
    connection.execute(sql.SQL("SELECT FROM {} LIMIT 0").format(table))


def storage_of(connection: psycopg.Connection[TupleRow], plan: StreamPlan) -> Storage | None:
    """Look where the rows of a stream lie; None if it can only be read as a whole.

    That is so for views and foreign tables, for partitions that the user may read through their parent only,
    with row security, and before PostgreSQL 14.

    The table is locked as by any reader: it cannot be altered before the transaction ends.

    Args:
        connection: in the transaction of the snapshot.
        plan: of the stream.

    Raises:
        PostgresError: the server refuses.
    """
    if connection.info.server_version < _RANGE_SCANS or plan.table.kind not in _KINDS:
        return None
    with asking(f"reading stream {plan.id!r}"):
        _hold(connection, plan)
        rows = connection.execute(_FAMILY, {"root": plan.table.oid}).fetchall()
        xmin = connection.execute(
            "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::int8"
        ).fetchone()
    if not rows or any(is_whole for _, _, _, is_whole, *_ in rows):
        return None
    assert xmin is not None
    leaves = (
        Leaf(schema, table, name, pages, filenode)
        for schema, table, kind, _, name, pages, filenode in rows
        if kind != "p"
    )
    return Storage(tuple(leaves), xmin[0])
