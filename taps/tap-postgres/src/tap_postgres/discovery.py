"""What the server has -> the catalog."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dativo_protocol.catalog import Catalog, CatalogEntry, parse_entry
from dativo_protocol.columns import Date, Decimal, Integer, Timestamp, TimestampTz
from dativo_protocol.discovery import property_breadcrumbs

from tap_postgres.pg_types import read_types
from tap_postgres.table_catalog import read_tables
from tap_postgres.type_map import Mapped, Rules, map_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.pg_types import PgType
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import ColumnInfo, TableInfo

log = logging.getLogger("tap_postgres")

_ORDERED = (Integer, Decimal, Date, Timestamp, TimestampTz)
"""Types whose greatest value tells how far a table was read."""


class Discovered:
    """A table, and what becomes of its columns."""

    def __init__(self, table: TableInfo, mapped: Mapping[str, Mapped]) -> None:
        self.table = table
        self.mapped = mapped

    def schema(self, names: Collection[str], keys: Collection[str]) -> dict[str, Any]:
        """Return the JSON Schema of these columns; keys are not nullable and required."""
        properties = {
            column.name: mapped.form.announced(nullable=column.name not in keys)
            for column in self.table.columns
            if column.name in names and (mapped := self.mapped.get(column.name))
        }
        return {"type": "object", "properties": properties} | ({"required": list(keys)} if keys else {})

    def entry(self, database: str, method: str) -> CatalogEntry:
        """Return the entry of the catalog."""
        table = self.table
        keys = [name for name in table.primary_key if name in self.mapped]
        keys = keys if len(keys) == len(table.primary_key) else []
        schema = self.schema(self.mapped.keys(), keys)
        # Whoever looks for the column finds it, and that it cannot be read.
        schema["properties"] = {
            column.name: schema["properties"].get(column.name, {}) for column in table.columns
        }
        nested = [place for place in property_breadcrumbs(schema) if len(place) > len(("properties", ""))]
        return parse_entry(
            {
                "tap_stream_id": table.stream_id,
                "stream": table.stream_id,
                "table_name": table.name,
                "key_properties": keys,
                "replication_method": method,
                "is_view": table.is_view,
                "schema": schema,
                "metadata": [
                    {"breadcrumb": [], "metadata": self._stream_metadata(database, keys)},
                    *(self._column_metadata(column, keys) for column in table.columns),
                    *(
                        {"breadcrumb": list(place), "metadata": {"inclusion": "available"}}
                        for place in nested
                    ),
                ],
            }
        )

    def _stream_metadata(self, database: str, keys: list[str]) -> dict[str, Any]:
        table = self.table
        ordered = [name for name, mapped in self.mapped.items() if isinstance(mapped.form.type, _ORDERED)]
        metadata: dict[str, Any] = {
            "inclusion": "available",
            "selected-by-default": not table.is_partition,
            "table-key-properties": keys,
            "valid-replication-keys": ordered,
            "schema-name": table.schema,
            "database-name": database,
            "table-name": table.name,
            "is-view": table.is_view,
            "kind": table.kind,
        }
        optional = {
            "row-count": table.rows,
            "comment": table.comment,
            "unique-keys": [list(key) for key in table.unique_keys],
        }
        return metadata | {name: value for name, value in optional.items() if value not in (None, "", [])}

    def _column_metadata(self, column: ColumnInfo, keys: list[str]) -> dict[str, Any]:
        inclusion = "automatic" if column.name in keys else "available"
        metadata: dict[str, Any] = {
            "inclusion": inclusion if column.name in self.mapped else "unsupported",
            "selected-by-default": column.name in self.mapped,
            "sql-datatype": column.sql_type,
        }
        said = {"comment": column.comment, "generated": column.generated, "identity": column.identity}
        metadata |= {name: value for name, value in said.items() if value}
        return {"breadcrumb": ["properties", column.name], "metadata": metadata}


def discover(connection: psycopg.Connection[TupleRow], settings: TapPostgresSettings) -> Catalog:
    """Describe everything that the user may read.

    Raises:
        ConfigError: `column_types` names a type that is none.
        psycopg.Error: the server does not answer.
    """
    found = look_up(connection, settings)
    database = connection.info.dbname
    entries: dict[str, CatalogEntry] = {}
    for each in found:
        if not each.mapped:
            log.info("%s: left out, none of its columns can be read", each.table.stream_id)
        elif each.table.stream_id in entries:
            log.warning("%s: left out, another table has the same id", each.table.stream_id)
        else:
            entries[each.table.stream_id] = each.entry(database, settings.default_replication_method)
    return Catalog.of(entries.values())


def look_up(
    connection: psycopg.Connection[TupleRow],
    settings: TapPostgresSettings,
    stream_ids: Collection[str] | None = None,
) -> tuple[Discovered, ...]:
    """Ask for tables and their types.

    Args:
        connection: to ask by.
        settings: which schemas, and what becomes of types.
        stream_ids: of the tables wanted, whatever their schema; all of `filter_schemas` if None.

    Raises:
        ConfigError: `column_types` names a type that is none.
        psycopg.Error: the server does not answer.
    """
    schemas = settings.schemas if stream_ids is None else ()
    with _one_moment(connection):
        tables = read_tables(connection, schemas=schemas, stream_ids=stream_ids)
        types = read_types(connection, {column.type_oid for table in tables for column in table.columns})
    rules = Rules.of(settings)
    return tuple(_discovered(table, types, rules, settings) for table in tables)


@contextmanager
def _one_moment(connection: psycopg.Connection[TupleRow]) -> Iterator[None]:
    """Let all questions be about one moment: tables and types come and go between them."""
    from psycopg import IsolationLevel

    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        yield


def _discovered(
    table: TableInfo, types: Mapping[int, PgType], rules: Rules, settings: TapPostgresSettings
) -> Discovered:
    overrides = settings.column_types.get(table.stream_id, {})
    mapped = {}
    for column in table.columns:
        if not column.readable:
            continue
        override = overrides.get(column.name)
        type_ = types[column.type_oid]
        form = map_column(column.name, type_, column.typmod, column.dimensions, rules, override=override)
        if form is not None:
            mapped[column.name] = form
    return Discovered(table, mapped)
