"""What the server has, and what a run will do with it: values that the parts of the tap hand each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from dativo_protocol.catalog import ReplicationMethod
    from dativo_protocol.messages import SchemaMessage
    from dativo_protocol.selection import Selection
    from psycopg import sql

    from tap_postgres.forms import Form

TableKind = Literal["table", "view", "materialized view", "partitioned table", "foreign table"]

KINDS: dict[str, TableKind] = {
    "r": "table",
    "v": "view",
    "m": "materialized view",
    "p": "partitioned table",
    "f": "foreign table",
}
"""By `pg_class.relkind`."""


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column as the catalog of the server has it.

    Attributes:
        number: `attnum`.
        type_oid: of its declared type; a domain's own.
        typmod: length, precision and the like; -1 for none.
        dimensions: declared of an array; 0 if it is none, or made by CREATE TABLE AS.
        sql_type: as `format_type` writes it, "numeric(12,2)".
        not_null: the server refuses nulls.
        generated: computed from other columns.
        identity: numbered by the server.
        comment: empty if there is none.
        readable: the user has the right to SELECT it.
    """

    name: str
    number: int
    type_oid: int
    typmod: int
    dimensions: int
    sql_type: str
    not_null: bool
    generated: bool
    identity: bool
    comment: str
    readable: bool


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table, a view, or what else can be read like one.

    Attributes:
        oid: of `pg_class`.
        is_partition: its rows are those of a partitioned table too.
        rows: the planner's estimate; None before the first ANALYZE, and for views.
        comment: empty if there is none.
        columns: in the order of the table.
        primary_key: names of its columns, in the order of the key; empty if there is none.
        unique_keys: columns of every other unique index over all rows.
    """

    oid: int
    schema: str
    name: str
    kind: TableKind
    is_partition: bool
    rows: int | None
    comment: str
    columns: tuple[ColumnInfo, ...]
    primary_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]

    @property
    def stream_id(self) -> str:
        """The id in catalog and state, and the name in messages, as both predecessors have it."""
        return f"{self.schema}-{self.name}"

    @property
    def is_view(self) -> bool:
        """Whether it has no rows of its own."""
        return self.kind == "view"

    def column(self, name: str) -> ColumnInfo | None:
        """Return the column of this name, if any."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream of a run.

    Attributes:
        id: of the stream in catalog and state.
        message: its SCHEMA.
        arrow_schema: of its batches, with the metadata by which the native core decodes.
        select_list: an expression per field of `arrow_schema`.
        table: what to read.
        method: how.
        key: the replication key of INCREMENTAL.
        where: conditions of the settings, each in parentheses; all must hold.
        constants: expressions for the last fields of `arrow_schema` that are the same in all rows of a
            reading, and others in the next.
        forms: of the columns of the table, by name, if its changes are read.
        selection: of columns, also of those that the table gets while its changes are read.
    """

    id: str
    message: SchemaMessage
    arrow_schema: pa.Schema
    select_list: tuple[sql.Composable, ...]
    table: TableInfo
    method: ReplicationMethod
    key: str | None
    where: tuple[sql.Composable, ...]
    constants: tuple[sql.Composable, ...] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    selection: Selection | None = None
