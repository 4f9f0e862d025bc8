"""Indexes of replication keys: without one each run reads and sorts a table to find what is new."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_postgres.errors import asking

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

_LARGE_BYTES = 64 << 20

_QUERY = """
SELECT c.oid::int8
FROM unnest(%(tables)s::oid[], %(columns)s::int2[]) AS key (oid, attnum)
JOIN pg_catalog.pg_class c USING (oid)
WHERE c.relkind IN ('r', 'm') AND pg_catalog.pg_relation_size(c.oid) >= %(large)s AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_catalog.pg_am a ON a.oid = ic.relam
    WHERE i.indrelid = c.oid AND i.indkey[0] = key.attnum AND i.indpred IS NULL AND i.indisvalid
        AND a.amname = 'btree')
"""


def warn_of_scans(
    connection: psycopg.Connection[TupleRow], plans: Iterable[StreamPlan], *, large: int = _LARGE_BYTES
) -> None:
    """Log a warning for each large table that has no index to read its replication key in order.

    Args:
        connection: to the server.
        plans: those without a replication key are passed over.
        large: bytes from which on a table counts as large.

    Raises:
        PostgresError: the server refuses.
    """
    by_oid = {plan.table.oid: plan for plan in plans if plan.key is not None}
    keys = [(oid, plan.table.column(plan.key or "")) for oid, plan in by_oid.items()]
    found = [(oid, column.number) for oid, column in keys if column is not None]
    given = {"tables": [oid for oid, _ in found], "columns": [number for _, number in found], "large": large}
    with asking("looking for indexes"):
        rows = connection.execute(_QUERY, given).fetchall()
    for (oid,) in rows:
        plan = by_oid[oid]
        log.warning(
            "%s: no index begins with %r: each run reads and sorts the whole table", plan.id, plan.key
        )
