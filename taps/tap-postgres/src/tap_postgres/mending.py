"""Parts of tables as conditions: pages, and what was written on pages since they were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_postgres.copying import copy_statement
from tap_postgres.late_commits import written_since

if TYPE_CHECKING:
    from psycopg import sql

    from tap_postgres.chunks import Pages
    from tap_postgres.storage import Leaf
    from tap_postgres.tables import StreamPlan


def read_pages(plan: StreamPlan, leaf: Leaf, pages: Pages) -> sql.Composed:
    """Return the statement that reads the rows of some pages."""
    return copy_statement(plan, source=_only(plan, leaf), where=(_within(pages),))


def mend_pages(plan: StreamPlan, leaf: Leaf, pages: Pages, xmin: int) -> sql.Composed:
    """Return the statement that reads rows written on some pages since a snapshot.

    Rows that were inserted, updated or moved there; what was deleted leaves no trace.

    Args:
        plan: of the stream.
        leaf: table of the pages.
        pages: that were read at the snapshot.
        xmin: of the snapshot; every transaction that it could not see is at most as old.
    """
    return copy_statement(plan, source=_only(plan, leaf), where=(_within(pages), written_since(xmin)))


def _only(plan: StreamPlan, leaf: Leaf) -> sql.Composable:
    """Return the table without its children, by the name that conditions of the user know."""
    from psycopg import sql

    table = sql.SQL("ONLY {}").format(sql.Identifier(leaf.schema, leaf.table))
    if leaf.table == plan.table.name:
        return table
    return sql.SQL("{} AS {}").format(table, sql.Identifier(plan.table.name))


def _within(pages: Pages) -> sql.Composable:
    from psycopg import sql

    return sql.SQL("ctid >= {}::pg_catalog.tid AND ctid < {}::pg_catalog.tid").format(
        sql.Literal(f"({pages.start},0)"), sql.Literal(f"({pages.end},0)")
    )
