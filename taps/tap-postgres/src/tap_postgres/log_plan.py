"""Streams of changes: the columns that a change has besides those of its table."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from dativo_protocol.errors import CatalogError
from dativo_protocol.messages import SchemaMessage

from tap_postgres.bookmarks import LSN_KEY as LSN_COLUMN
from tap_postgres.forms import INT8, TIMESTAMPTZ, arrow_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from tap_postgres.discovery import Discovered
    from tap_postgres.forms import Form
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

SOURCE_KEY = b"dativo.source"
"""Field metadata that tells the native core what of a change to put into the column."""

DELETED_AT = "_sdc_deleted_at"
_COLUMNS: dict[str, tuple[str, Form, str]] = {
    LSN_COLUMN: ("lsn", INT8, "pg_catalog.int8"),
    "_sdc_commit_time": ("commit_time", TIMESTAMPTZ, "pg_catalog.timestamptz"),
    "_sdc_xid": ("xid", INT8, "pg_catalog.int8"),
    DELETED_AT: ("deleted_at", TIMESTAMPTZ, "pg_catalog.timestamptz"),
}
"""What of a change, its form, and the type that a snapshot's rows give it."""


_CAST_DIFFERS = ("boolean", "inet", "cidr", "character(")
_GEOMETRY = ("geometry", "geography")


def metadata_names(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that a stream of changes has besides those of its table."""
    return tuple(name for name in _COLUMNS if name == DELETED_AT or name in wanted)


def log_plan(plan: StreamPlan, forms: Mapping[str, Form], wanted: Sequence[str]) -> StreamPlan:
    """Return the plan of a stream of changes.

    Args:
        plan: as if its table was read as a whole.
        forms: of the columns to read.
        wanted: metadata columns of the settings.

    Raises:
        CatalogError: the table has a column of such a name, or the stream has conditions.
    """
    names = metadata_names(wanted)
    if taken := [name for name in names if name in forms]:
        raise CatalogError(f"stream {plan.id!r}: its table has a column {taken[0]!r} of its own")
    if plan.where:
        raise CatalogError(
            f"stream {plan.id!r}: changes are not subject to custom_where_clauses, which it has",
            instruction="Remove them, or choose FULL_TABLE or INCREMENTAL as replication-method.",
        )
    return read_at(described(plan, forms, names), 0)


def described(plan: StreamPlan, forms: Mapping[str, Form], names: Sequence[str]) -> StreamPlan:
    """Return the plan of changes with these columns of the table and these of their own."""
    import pyarrow as pa

    keys = plan.message.key_properties
    fields = [arrow_field(name, form, key=name in keys) for name, form in forms.items()]
    properties = {name: form.announced(nullable=name not in keys) for name, form in forms.items()}
    properties |= {name: _COLUMNS[name][1].announced() for name in names}
    schema = {"type": "object", "properties": properties} | ({"required": list(keys)} if keys else {})
    bookmarks = (LSN_COLUMN,) if LSN_COLUMN in names else None
    return replace(
        plan,
        forms=forms,
        message=SchemaMessage(plan.message.stream, schema, keys, bookmarks),
        arrow_schema=pa.schema([*fields, *(arrow_field(name, _COLUMNS[name][1]) for name in names)]),
    )


def read_at(plan: StreamPlan, lsn: int) -> StreamPlan:
    """Return the plan that reads the table at a snapshot: its rows are those of this position."""
    from psycopg import sql

    names = [name for name in plan.arrow_schema.names if name not in plan.forms]
    values = [sql.Literal(lsn if name == LSN_COLUMN else None) for name in names]
    casts = [sql.SQL(_COLUMNS[name][2]) for name in names]
    constants = [sql.SQL("{}::{}").format(value, cast) for value, cast in zip(values, casts, strict=True)]
    return replace(plan, constants=tuple(constants))


def changes_schema(plan: StreamPlan) -> pa.Schema:
    """Return the schema by which the native core decodes changes: it fills the columns that tables lack."""
    import pyarrow as pa

    return pa.schema(
        [
            field if field.name in plan.forms else field.with_metadata({SOURCE_KEY: _COLUMNS[field.name][0]})
            for field in plan.arrow_schema
        ]
    )


def as_rows(plan: StreamPlan, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return changes as a batch of the plan's schema."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(batch.columns, schema=plan.arrow_schema)


def refuse_casts(
    stream_id: str, discovered: Discovered, names: Sequence[str], settings: TapPostgresSettings
) -> None:
    """Refuse what only a SELECT can do: the server's log has values as they are.

    Raises:
        CatalogError: names the setting.
    """
    overrides = settings.column_types.get(stream_id, {})
    for name in names:
        column = discovered.table.column(name)
        assert column is not None
        # Their texts differ from what a cast makes of them.
        if overrides.get(name) == "text" and column.sql_type.startswith(_CAST_DIFFERS):
            raise CatalogError(
                f"stream {stream_id!r}: column_types cannot make text of {column.sql_type} in changes",
                instruction="Remove it from `column_types`, or choose another replication-method.",
            )
        if settings.geometry_as == "geojson" and column.sql_type.startswith(_GEOMETRY):
            raise CatalogError(
                f"stream {stream_id!r}: changes have geometries as EWKB only",
                instruction='Set `geometry_as` to "ewkb", or choose another replication-method.',
            )
