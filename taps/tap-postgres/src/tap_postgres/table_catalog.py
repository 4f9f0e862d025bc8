"""What the server's catalog has of tables, views and the like: two queries, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_postgres.tables import KINDS, ColumnInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import psycopg
    from psycopg.rows import TupleRow

_TABLES = """
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, c.relispartition,
    CASE WHEN c.reltuples < 0 OR c.relkind = 'v' THEN NULL ELSE c.reltuples::int8 END,
    coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''),
    coalesce((
        SELECT pg_catalog.json_agg(
            pg_catalog.json_build_array(i.indisprimary, i.indkey::int2[], i.indnkeyatts)
            ORDER BY i.indisprimary DESC, i.indexrelid)
        FROM pg_catalog.pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
            AND i.indexprs IS NULL
    ), '[]')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f')
    AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND (%(schemas)s::text[] IS NULL OR n.nspname = ANY (%(schemas)s::text[]))
    AND (%(ids)s::text[] IS NULL OR n.nspname || '-' || c.relname = ANY (%(ids)s::text[]))
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.nspname, c.relname
"""

_COLUMNS = """
SELECT a.attrelid::int8, a.attname, a.attnum, a.atttypid::int8, a.atttypmod, a.attndims,
    pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '', a.attidentity <> '',
    coalesce(d.description, ''),
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_description d
    ON d.classoid = 'pg_catalog.pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""


def read_tables(
    connection: psycopg.Connection[TupleRow],
    *,
    schemas: Collection[str] = (),
    stream_ids: Collection[str] | None = None,
) -> tuple[TableInfo, ...]:
    """Ask the server what it has, in the order of names.

    Args:
        connection: its user sees only schemas that it may use.
        schemas: to look into; all if empty.
        stream_ids: of the tables wanted; all if None.
    """
    wanted = {"schemas": list(schemas) or None, "ids": None if stream_ids is None else list(stream_ids)}
    tables = connection.execute(_TABLES, wanted).fetchall()
    columns = _columns(connection, [row[0] for row in tables])
    return tuple(_table(row, columns.get(row[0], {})) for row in tables)


def _columns(
    connection: psycopg.Connection[TupleRow], oids: Iterable[int]
) -> Mapping[int, Mapping[int, ColumnInfo]]:
    found: dict[int, dict[int, ColumnInfo]] = {}
    for table, name, number, *rest in connection.execute(_COLUMNS, [list(oids)]):
        found.setdefault(table, {})[number] = ColumnInfo(name, number, *rest)
    return found


def _table(row: tuple[Any, ...], columns: Mapping[int, ColumnInfo]) -> TableInfo:
    oid, schema, name, relkind, is_partition, rows, comment, indexes = row
    keys = [
        (is_primary, tuple(columns[number].name for number in numbers[:length]))
        for is_primary, numbers, length in indexes
    ]
    primary = next((key for is_primary, key in keys if is_primary), ())
    return TableInfo(
        oid=oid,
        schema=schema,
        name=name,
        kind=KINDS[relkind],
        is_partition=is_partition,
        rows=rows,
        comment=comment,
        columns=tuple(columns.values()),
        primary_key=primary,
        unique_keys=tuple(key for is_primary, key in keys if not is_primary),
    )
