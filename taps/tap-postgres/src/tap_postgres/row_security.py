"""Row-level security: what a user does not see is missing without an error."""

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

_QUERY = (
    "SELECT oid::int8 FROM pg_catalog.pg_class WHERE oid = ANY(%s) AND pg_catalog.row_security_active(oid)"
)


def warn_of_policies(connection: psycopg.Connection[TupleRow], plans: Iterable[StreamPlan]) -> None:
    """Log a warning for each stream that policies may hide rows of.

    Raises:
        PostgresError: the server refuses.
    """
    by_oid = {plan.table.oid: plan.id for plan in plans}
    with asking("looking for row-level security"):
        rows = connection.execute(_QUERY, [list(by_oid)]).fetchall()
    for (oid,) in rows:
        log.warning(
            "%s: row-level security holds for this user: only rows that its policies show are read",
            by_oid[oid],
        )
