"""What a run will do for one stream: columns to read, their types, and where to start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from dativo_protocol.arrow import arrow_schema
from dativo_protocol.catalog import ReplicationMethod
from dativo_protocol.columns import Boolean, Column, Time
from dativo_protocol.errors import CatalogError, SchemaError
from dativo_protocol.messages import SchemaMessage
from dativo_protocol.schema import columns_of
from dativo_protocol.selection import selected_schema

from tap_csv.definitions import METADATA_COLUMNS, SOURCE_FILE_MTIME
from tap_csv.typenames import as_readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from dativo_protocol.catalog import CatalogEntry

    from tap_csv.definitions import Definition


@dataclass(frozen=True, slots=True)
class FullTable:
    """Every row, every time."""


@dataclass(frozen=True, slots=True)
class ByKey:
    """Rows whose value in a column is not less than the greatest one seen."""

    column: Column


@dataclass(frozen=True, slots=True)
class ByFiles:
    """Files that are new or changed."""


Replication: TypeAlias = FullTable | ByKey | ByFiles


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream of a run.

    Attributes:
        id: of the stream in catalog and state.
        message: its SCHEMA.
        columns: selected, each of a type that fields can be read as.
        deselected: names of the other columns in the catalog.
        replication: which rows to emit.
    """

    id: str
    definition: Definition
    message: SchemaMessage
    columns: tuple[Column, ...]
    deselected: frozenset[str]
    replication: Replication

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that identify a row."""
        return self.message.key_properties

    @property
    def arrow_schema(self) -> pa.Schema:
        """Of the batches to be written."""
        return arrow_schema(self.columns, keys=self.keys, stream=self.message.stream)

    def produces(self, column: str) -> bool:
        """Whether the column is about the file rather than in it."""
        return self.definition.add_metadata_columns and column in METADATA_COLUMNS


def plan_stream(entry: CatalogEntry, definition: Definition) -> StreamPlan:
    """Work out what to do for a selected stream.

    Raises:
        CatalogError: the catalog asks for a replication that the stream does not have.
        SchemaError: a property has a type that no field can be read as.
    """
    schema = selected_schema(entry)
    columns = _readable_columns(schema, entry.stream)
    by_name = {column.name: column for column in columns}
    if missing := [key for key in entry.key_properties if key not in by_name]:
        raise CatalogError(
            f"stream {entry.tap_stream_id!r}: key property {missing[0]!r} is not in its schema"
        )
    replication = _replication(entry, definition, by_name)
    bookmarks = (replication.column.name,) if isinstance(replication, ByKey) else None
    if isinstance(replication, ByFiles) and SOURCE_FILE_MTIME in by_name:
        bookmarks = (SOURCE_FILE_MTIME,)
    message = SchemaMessage(entry.stream, schema, entry.key_properties, bookmarks)
    deselected = frozenset(entry.schema.get("properties") or {}) - by_name.keys()
    return StreamPlan(entry.tap_stream_id, definition, message, columns, deselected, replication)


def _readable_columns(schema: Mapping[str, Any], stream: str) -> tuple[Column, ...]:
    columns = []
    for column in columns_of(schema, stream=stream):
        readable = as_readable(column.type)
        if readable is None:
            raise SchemaError(
                "a field of a CSV file cannot hold this type",
                stream=stream,
                path=f"/properties/{column.name}",
                instruction="Give the property a scalar type in the catalog.",
            )
        columns.append(Column(column.name, readable, column.required))
    return tuple(columns)


def _replication(entry: CatalogEntry, definition: Definition, columns: Mapping[str, Column]) -> Replication:
    """Follow the catalog where it says something, the settings where it does not."""
    place = f"stream {entry.tap_stream_id!r}"
    if entry.replication_method is ReplicationMethod.LOG_BASED:
        raise CatalogError(f"{place}: files have no log to replicate by; use INCREMENTAL or FULL_TABLE")
    if entry.replication_method is ReplicationMethod.FULL_TABLE:
        return FullTable()
    key = entry.replication_key or definition.replication_key
    if key == SOURCE_FILE_MTIME or (key is None and definition.remembers_files):
        return ByFiles()
    if key is None:
        if entry.replication_method is None:
            return FullTable()
        raise CatalogError(
            f"{place}: INCREMENTAL needs a replication key",
            instruction=f"Name a column as replication-key, or {SOURCE_FILE_MTIME} to read new files only.",
        )
    column = columns.get(key)
    if column is None or isinstance(column.type, Boolean | Time):
        reason = "is not in its schema" if column is None else "has a type without a lasting order"
        raise CatalogError(f"{place}: replication key {key!r} {reason}")
    return ByKey(column)
