"""The publication: the tables whose changes the server puts into the stream."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_postgres.connection_settings import is_set
from tap_postgres.errors import PermissionDenied, ServerNotReady, asking

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import psycopg
    from psycopg import sql
    from psycopg.rows import TupleRow

    from tap_postgres.replication_settings import SlotSettings
    from tap_postgres.tables import StreamPlan, TableInfo

log = logging.getLogger("tap_postgres")

_OURS = "Managed by tap-postgres"
"""Comment of a publication that tables are also removed from."""

_ROOTS_SINCE = 130000
_ALL_KINDS = "'insert, update, delete, truncate'"
_PUBLICATION = """
SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate,
    coalesce((pg_catalog.to_json(p) ->> 'pubviaroot')::bool, false),
    coalesce(pg_catalog.obj_description(p.oid, 'pg_publication'), '')
FROM pg_catalog.pg_publication p WHERE p.pubname = %s
"""

_TABLES = """
SELECT c.oid::int8, n.nspname, c.relname
FROM pg_catalog.pg_publication p
JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.pubname = %s ORDER BY 2, 3
"""

# Tables that are in it one way or another: each, of schemas, or all.
_MEMBERS = """
SELECT c.oid::int8, coalesce(r.oid, p.oid)::int8
FROM pg_catalog.pg_publication p
JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
WHERE p.pubname = %s
"""

# Columns and conditions of a table in it, which PostgreSQL 15 and later can have.
_PARTS = """
SELECT c.oid::int8, pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.to_json(t) -> 'attnames',
    coalesce(pg_catalog.to_json(t) ->> 'rowfilter', '') <> ''
FROM pg_catalog.pg_publication_tables t
JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
WHERE t.pubname = %s
"""


class Publication:
    """The publication of one name."""

    def __init__(self, connection: psycopg.Connection[TupleRow], name: str, settings: SlotSettings) -> None:
        self.name = name
        self._connection = connection
        self._may_change = is_set(settings.manage_publication)

    def members(self) -> dict[int, int]:
        """Return the tables that are in it, by oid, each with a number that changes if it is added anew.

        Raises:
            PostgresError: the server refuses.
        """
        with asking(f"looking for publication {self.name!r}"):
            return dict(self._connection.execute(_MEMBERS, [self.name]).fetchall())

    def ensure(self, plans: Sequence[StreamPlan]) -> None:
        """Make sure that it is there and has these tables.

        Raises:
            ServerNotReady: it lacks something, and the settings do not let us change it.
            PermissionDenied: the user may not change it.
            PostgresError: the server refuses.
        """
        tables = [plan.table for plan in plans]
        with asking(f"looking for publication {self.name!r}"):
            found = self._find()
        if found is None:
            self._change(self._creation(tables))
            self._change(self._comment())
            return
        has_all_kinds, via_root, _ = found
        self._refuse_partial(tables, has_all_kinds=has_all_kinds, via_root=via_root)
        members = self.members()
        missing = [(table.schema, table.name) for table in tables if table.oid not in members]
        if missing:
            self._change(self._alteration("ADD", missing))
        self._refuse_parts({plan.table.oid: plan for plan in plans})

    def remove_others(self, plans: Sequence[StreamPlan], wanted: Collection[str]) -> None:
        """Remove tables that nobody reads, if the publication is ours.

        Args:
            plans: of the streams that are read.
            wanted: ids of other streams whose changes are still needed.

        Raises:
            PostgresError: the server refuses.
        """
        with asking(f"looking for publication {self.name!r}"):
            found = self._find()
            if found is None or found[2] != _OURS or not self._may_change:
                return
            rows = self._connection.execute(_TABLES, [self.name]).fetchall()
        oids = {plan.table.oid for plan in plans}
        others = [
            (schema, table)
            for oid, schema, table in rows
            if oid not in oids and f"{schema}-{table}" not in wanted
        ]
        if others:
            log.info("publication %r: %d tables are removed that nobody reads", self.name, len(others))
            self._change(self._alteration("DROP", others))

    def _find(self) -> tuple[bool, bool, str] | None:
        return self._connection.execute(_PUBLICATION, [self.name]).fetchone()

    def _refuse_partial(self, tables: list[TableInfo], *, has_all_kinds: bool, via_root: bool) -> None:
        if not has_all_kinds:
            raise ServerNotReady(
                f"publication {self.name!r} leaves some kinds of changes out",
                instruction=f'ALTER PUBLICATION "{self.name}" SET (publish = {_ALL_KINDS});',
            )
        if not via_root and any(table.kind == "partitioned table" for table in tables):
            raise ServerNotReady(
                f"publication {self.name!r} has the changes of partitions as those of tables of their own",
                instruction=f'ALTER PUBLICATION "{self.name}" SET (publish_via_partition_root = true);',
            )

    def _refuse_parts(self, plans: Mapping[int, StreamPlan]) -> None:
        """Refuse tables that it has not all of: what the first reading finds would never change."""
        with asking(f"looking for publication {self.name!r}"):
            rows = self._connection.execute(_PARTS, [self.name]).fetchall()
        for oid, table, columns, has_condition in rows:
            if oid not in plans:
                continue
            left_out = [name for name in plans[oid].forms if columns is not None and name not in columns]
            if left_out or has_condition:
                what = f"column {left_out[0]!r}" if left_out else "rows"
                raise ServerNotReady(
                    f"stream {plans[oid].id!r}: publication {self.name!r} leaves {what} of {table} out",
                    instruction="Deselect the column, or publish it." if left_out else "Publish all rows.",
                )

    def _creation(self, tables: list[TableInfo]) -> sql.Composed:
        from psycopg import sql

        options = sql.SQL("")
        if self._connection.info.server_version >= _ROOTS_SINCE:
            options = sql.SQL(" WITH (publish_via_partition_root = true)")
        return sql.SQL("CREATE PUBLICATION {} FOR TABLE {}{}").format(
            sql.Identifier(self.name), _list([(table.schema, table.name) for table in tables]), options
        )

    def _comment(self) -> sql.Composed:
        from psycopg import sql

        return sql.SQL("COMMENT ON PUBLICATION {} IS {}").format(
            sql.Identifier(self.name), sql.Literal(_OURS)
        )

    def _alteration(self, verb: str, tables: list[tuple[str, str]]) -> sql.Composed:
        from psycopg import sql

        return sql.SQL("ALTER PUBLICATION {} {} TABLE {}").format(
            sql.Identifier(self.name), sql.SQL(verb), _list(tables)
        )

    def _change(self, statement: sql.Composed) -> None:
        text = statement.as_string(self._connection)
        if not self._may_change:
            raise ServerNotReady(f"publication {self.name!r} lacks tables", instruction=f"{text};")
        try:
            with asking(f"changing publication {self.name!r}"):
                self._connection.execute(statement)
        except PermissionDenied as error:
            raise PermissionDenied(
                str(error), sqlstate=error.sqlstate, instruction=f"As owner: {text};"
            ) from None
        log.info("%s", text)


def _list(names: list[tuple[str, str]]) -> sql.Composed:
    from psycopg import sql

    return sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in names)
