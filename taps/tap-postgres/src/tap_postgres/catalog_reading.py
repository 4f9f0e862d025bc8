"""The catalog that a user hands over -> what to do for each selected stream.

Schemas of a catalog are not believed: the two predecessors write them in ways that say less than the table
does. Selection, keys and method are taken from it; columns and types from the server.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dativo_protocol.catalog import ReplicationMethod
from dativo_protocol.errors import CatalogError
from dativo_protocol.messages import SchemaMessage
from dativo_protocol.selection import Selection

from tap_postgres.errors import MissingTable, PermissionDenied
from tap_postgres.forms import arrow_field
from tap_postgres.log_plan import log_plan, refuse_casts
from tap_postgres.tables import StreamPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo_protocol.catalog import CatalogEntry
    from psycopg import sql

    from tap_postgres.discovery import Discovered
    from tap_postgres.settings import TapPostgresSettings

log = logging.getLogger("tap_postgres")


def table_id(entry: CatalogEntry) -> str:
    """Return `schema-table` of an entry.

    PipelineWise's entries have the bare name of the table as `stream`, and the schema in the metadata.
    """
    values = entry.metadata[()].values if () in entry.metadata else {}
    schema = values.get("schema-name")
    table = values.get("table-name") or entry.document.get("table_name")
    return f"{schema}-{table}" if schema and table else entry.tap_stream_id


def message_name(entry: CatalogEntry) -> str:
    """Return the name of the stream in messages: PipelineWise's tap puts the schema before it, too."""
    values = entry.metadata[()].values if () in entry.metadata else {}
    schema = values.get("schema-name")
    is_bare = schema and entry.stream == entry.document.get("table_name") and entry.stream != table_id(entry)
    return f"{schema}-{entry.stream}" if is_bare else entry.stream


def plan_stream(
    entry: CatalogEntry, found: Mapping[str, Sequence[Discovered]], settings: TapPostgresSettings
) -> StreamPlan:
    """Work out what to do for a selected stream.

    Args:
        entry: of the catalog.
        found: the tables of the selected streams, by id; seldom more than one have the same.
        settings: of the tap.

    Raises:
        MissingTable: the table, or a selected column, is gone.
        PermissionDenied: a selected column may not be read.
        CatalogError: the catalog asks for what the table does not allow.
    """
    import pyarrow as pa

    discovered = _named(entry, found.get(table_id(entry), ()))
    if discovered is None:
        raise MissingTable(
            f"stream {entry.tap_stream_id!r}: there is no table {table_id(entry)!r}, or it is closed to us"
        )
    keys = _keys(entry, discovered)
    method = _method(entry, settings)
    key = _replication_key(entry, discovered) if method is ReplicationMethod.INCREMENTAL else None
    names = _selected(entry, discovered, (*keys, *([key] if key else [])))
    if method is ReplicationMethod.LOG_BASED:
        names = _logged(entry, discovered, names)
    fields = [arrow_field(name, discovered.mapped[name].form, key=name in keys) for name in names]
    bookmarks = (key,) if key else None
    message = SchemaMessage(message_name(entry), discovered.schema(names, keys), keys, bookmarks)
    plan = StreamPlan(
        id=entry.tap_stream_id,
        message=message,
        arrow_schema=pa.schema(fields),
        select_list=tuple(discovered.mapped[name].select for name in names),
        table=discovered.table,
        method=method,
        key=key,
        where=_where(entry, settings),
        selection=Selection(entry),
    )
    if method is not ReplicationMethod.LOG_BASED:
        return plan
    refuse_casts(plan.id, discovered, names, settings)
    forms = {name: discovered.mapped[name].form for name in names}
    return log_plan(plan, forms, settings.replication_metadata_columns)


def _named(entry: CatalogEntry, tables: Sequence[Discovered]) -> Discovered | None:
    """Return the table of an entry: of several that of its schema, else the first, as in discovery."""
    schema = entry.metadata[()].values.get("schema-name") if () in entry.metadata else None
    named = [each for each in tables if each.table.schema == schema]
    return next(iter(named or tables), None)


def _selected(entry: CatalogEntry, discovered: Discovered, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the selected columns, those of keys always, in the order of the table.

    What the catalog does not know is new in the table, and selected as if it had no metadata.
    """
    selection = Selection(entry)
    names = []
    for column in discovered.table.columns:
        if column.name not in keys and not selection.includes(("properties", column.name)):
            continue
        if column.name in discovered.mapped:
            names.append(column.name)
        elif not column.readable and ("properties", column.name) in entry.metadata:
            raise PermissionDenied(
                f"stream {entry.tap_stream_id!r}: no right to SELECT column {column.name!r}"
            )
    present = {column.name for column in discovered.table.columns}
    for crumb in entry.metadata:
        if len(crumb) == len(("properties", "")) and crumb[1] not in present and selection.includes(crumb):
            raise MissingTable(
                f"stream {entry.tap_stream_id!r}: the table has no column {crumb[1]!r} any more"
            )
    if not names:
        raise CatalogError(f"stream {entry.tap_stream_id!r}: no column is selected")
    return tuple(names)


def _keys(entry: CatalogEntry, discovered: Discovered) -> tuple[str, ...]:
    keys = entry.key_properties or discovered.table.primary_key
    missing = [key for key in keys if key not in discovered.mapped]
    if missing and entry.key_properties:
        raise CatalogError(
            f"stream {entry.tap_stream_id!r}: key property {missing[0]!r} is no column that can be read"
        )
    return () if missing else tuple(keys)


def _method(entry: CatalogEntry, settings: TapPostgresSettings) -> ReplicationMethod:
    return entry.replication_method or ReplicationMethod(settings.default_replication_method)


def _logged(entry: CatalogEntry, discovered: Discovered, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that are in the server's log: computed ones are not."""
    generated = {column.name for column in discovered.table.columns if column.generated}
    if left_out := [name for name in names if name in generated]:
        log.warning(
            "%s: computed columns are not in the log and left out: %s",
            entry.tap_stream_id,
            ", ".join(left_out),
        )
    return tuple(name for name in names if name not in generated)


def _replication_key(entry: CatalogEntry, discovered: Discovered) -> str:
    key = entry.replication_key
    if not key:
        raise CatalogError(
            f"stream {entry.tap_stream_id!r}: INCREMENTAL needs a replication-key",
            instruction="Choose one of its valid-replication-keys, or FULL_TABLE as replication-method.",
        )
    if key not in discovered.mapped:
        raise CatalogError(
            f"stream {entry.tap_stream_id!r}: replication-key {key!r} is no column that can be read"
        )
    return key


def _where(entry: CatalogEntry, settings: TapPostgresSettings) -> tuple[sql.Composable, ...]:
    from psycopg import sql

    options = settings.stream_options.get(entry.tap_stream_id)
    clauses = options.custom_where_clauses if options else []
    return tuple(sql.SQL("({})").format(sql.SQL(clause)) for clause in clauses)
