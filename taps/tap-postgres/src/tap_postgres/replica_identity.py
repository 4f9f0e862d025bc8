"""What the server writes to its log of a row that is changed or deleted: the table's replica identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.errors import CatalogError

from tap_postgres.errors import asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.tables import StreamPlan

_LOGGED_KINDS = ("table", "partitioned table")

# Of a partitioned table each partition counts: that is where rows are changed.
_IDENTITIES = """
SELECT root.oid::int8, pg_catalog.format('%%I.%%I', n.nspname, c.relname), c.relpersistence::text,
    c.relreplident = 'f',
    coalesce((
        SELECT pg_catalog.array_agg(a.attname::text)
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])
        WHERE i.indrelid = c.oid AND i.indisvalid
            AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
    ), '{}')
FROM pg_catalog.unnest(%s::oid[]) root(oid)
CROSS JOIN LATERAL (
    SELECT root.oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(root.oid) WHERE isleaf
) member(oid)
JOIN pg_catalog.pg_class c ON c.oid = member.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p'
ORDER BY 2
"""

_CHILDREN = """
SELECT p.oid::int8, pg_catalog.min(pg_catalog.format('%%I.%%I', n.nspname, c.relname))
FROM pg_catalog.pg_class p
JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.oid = ANY (%s::oid[]) AND p.relkind = 'r'
GROUP BY p.oid
"""


def refuse_unlogged(connection: psycopg.Connection[TupleRow], plans: Sequence[StreamPlan]) -> None:
    """Refuse streams whose changes the server does not tell apart.

    A table without identity must not even come into a publication: UPDATE and DELETE would then fail for
    whoever uses it.

    Raises:
        CatalogError: with the SQL that helps.
        PostgresError: the server refuses.
    """
    for plan in plans:
        _refuse_kind(plan)
    by_oid = {plan.table.oid: plan for plan in plans}
    with asking("looking up replica identities"):
        rows = connection.execute(_IDENTITIES, [list(by_oid)]).fetchall()
        parents = connection.execute(_CHILDREN, [list(by_oid)]).fetchall()
    for oid, child in parents:
        raise _of_children(by_oid[oid], child)
    for oid, name, persistence, is_full, columns in rows:
        plan = by_oid[oid]
        if persistence != "p":
            raise CatalogError(f"stream {plan.id!r}: {name} is not logged, so it has no changes to read")
        if not is_full:
            _refuse_keys(plan, name, frozenset(columns))


def _refuse_kind(plan: StreamPlan) -> None:
    if plan.table.is_partition:
        raise CatalogError(
            f"stream {plan.id!r}: a partition has no changes of its own",
            instruction="Select the table that it is part of.",
        )
    if plan.table.kind not in _LOGGED_KINDS:
        raise CatalogError(
            f"stream {plan.id!r}: a {plan.table.kind} has no changes to read",
            instruction="Choose FULL_TABLE or INCREMENTAL as replication-method.",
        )


def _of_children(plan: StreamPlan, child: str) -> CatalogError:
    return CatalogError(
        f"stream {plan.id!r}: rows of tables that inherit from it, such as {child}, change apart from it",
        instruction="Select those tables instead, or choose another replication-method.",
    )


def _refuse_keys(plan: StreamPlan, name: str, identity: frozenset[str]) -> None:
    missing = [key for key in plan.message.key_properties if key not in identity]
    if identity and not missing:
        return
    reason = f"does not have key property {missing[0]!r}" if identity and missing else "is missing"
    raise CatalogError(
        f"stream {plan.id!r}: the replica identity of {name} {reason}",
        instruction=f"ALTER TABLE {name} REPLICA IDENTITY FULL; or give it a primary key.",
    )
