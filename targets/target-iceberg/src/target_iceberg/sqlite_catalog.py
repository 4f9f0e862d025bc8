"""The default catalog: tables of a SQLite file, laid out as pyiceberg's `SqlCatalog` has them.

What a load takes of a catalog is a few lines of SQL, but `SqlCatalog` brings all of SQLAlchemy, a third of a
second to import. So these lines are here; whatever else is asked of the catalog is done by a `SqlCatalog`
over the same file, imported then.
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.io import load_file_io
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.serializers import FromInputFile, ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.schema import Schema

LOCK_SECONDS = 60
LAYOUT = (
    """CREATE TABLE IF NOT EXISTS iceberg_tables (
        catalog_name VARCHAR(255) NOT NULL,
        table_namespace VARCHAR(255) NOT NULL,
        table_name VARCHAR(255) NOT NULL,
        metadata_location VARCHAR(1000),
        previous_metadata_location VARCHAR(1000),
        iceberg_type VARCHAR(5),
        PRIMARY KEY (catalog_name, table_namespace, table_name)
    )""",
    """CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
        catalog_name VARCHAR(255) NOT NULL,
        namespace VARCHAR(255) NOT NULL,
        property_key VARCHAR(255) NOT NULL,
        property_value VARCHAR(1000) NOT NULL,
        PRIMARY KEY (catalog_name, namespace, property_key)
    )""",
)
_IN_NAMESPACE = """
SELECT 1 FROM iceberg_tables WHERE catalog_name = :catalog AND (table_namespace = :name
    OR substr(table_namespace, 1, length(:name) + 1) = :name || '.')
UNION ALL SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = :catalog AND (namespace = :name
    OR substr(namespace, 1, length(:name) + 1) = :name || '.')
LIMIT 1
"""
_LOAD = """
SELECT metadata_location FROM iceberg_tables
WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?
    AND coalesce(iceberg_type, 'TABLE') = 'TABLE'
"""
_CREATE = """
INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
VALUES (?, ?, ?, ?, 'TABLE')
"""
_NAME = """
INSERT OR IGNORE INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
VALUES (?, ?, 'exists', 'true')
"""
_PLACE = """
SELECT property_value FROM iceberg_namespace_properties
WHERE catalog_name = ? AND namespace = ? AND property_key = 'location'
"""


class SqliteCatalog:
    """A catalog in a SQLite file, which is made with its directory if there is none.

    With a write-ahead log readers never wait, and of two writers one waits for the other instead of failing.

    Attributes:
        name: a part of every table's key.
        properties: of pyiceberg.

    Raises:
        sqlite3.Error, OSError: it cannot be made or read.
    """

    def __init__(self, name: str, path: Path, properties: Mapping[str, str]) -> None:
        self.name = name
        self.properties = {**properties, "type": "sql", "uri": f"sqlite:///{path}?timeout={LOCK_SECONDS}"}
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            complete = "iceberg_type" in _columns(connection)
        if not complete:
            self._lay_out()

    def __getattr__(self, name: str) -> Any:
        """Leave what a load does not need to pyiceberg."""
        return getattr(self._whole, name)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all that is done within, or none of it."""
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:  # commits, or rolls back
                yield connection

    def load_table(self, identifier: str | tuple[str, ...]) -> Table:
        """See `pyiceberg.catalog.Catalog`."""
        namespace, name = _names(identifier)
        file = self._one(_LOAD, (self.name, namespace, name))
        if not file:
            raise NoSuchTableError(f"Table does not exist: {namespace}.{name}")
        metadata = FromInputFile.table_metadata(load_file_io(self.properties, file).new_input(file))
        return Table(
            identifier=(*namespace.split("."), name),
            metadata=metadata,
            metadata_location=file,
            io=load_file_io({**self.properties, **metadata.properties}, file),
            catalog=cast("Catalog", self),
        )

    def create_table(
        self,
        identifier: str | tuple[str, ...],
        schema: Schema,
        location: str | None = None,
        partition_spec: PartitionSpec = UNPARTITIONED_PARTITION_SPEC,
        sort_order: SortOrder = UNSORTED_SORT_ORDER,
        properties: Mapping[str, str] | None = None,
    ) -> Table:
        """See `pyiceberg.catalog.Catalog`."""
        namespace, name = _names(identifier)
        if not self.namespace_exists(namespace):
            raise NoSuchNamespaceError(f"Namespace does not exist: {namespace}")
        above = self._one(_PLACE, (self.name, namespace)) or f"{self.properties['warehouse']}/{namespace}"
        metadata = new_table_metadata(
            schema,
            partition_spec,
            sort_order,
            location or f"{above.rstrip('/')}/{name}",
            dict(properties or {}),
        )
        place = load_location_provider(metadata.location, metadata.properties)
        file = place.new_table_metadata_file_location()
        ToOutputFile.table_metadata(metadata, load_file_io(self.properties, file).new_output(file))
        try:
            with self.transaction() as connection:
                connection.execute(_CREATE, (self.name, namespace, name, file))
        except sqlite3.IntegrityError as error:
            raise TableAlreadyExistsError(f"Table {namespace}.{name} already exists") from error
        return self.load_table(identifier)

    def namespace_exists(self, namespace: str | tuple[str, ...]) -> bool:
        """See `pyiceberg.catalog.Catalog`."""
        name = namespace if isinstance(namespace, str) else ".".join(namespace)
        return bool(self._one(_IN_NAMESPACE, {"catalog": self.name, "name": name}))

    def create_namespace_if_not_exists(self, namespace: str | tuple[str, ...]) -> None:
        """See `pyiceberg.catalog.Catalog`."""
        name = namespace if isinstance(namespace, str) else ".".join(namespace)
        if not self.namespace_exists(name):
            with self.transaction() as connection:
                connection.execute(_NAME, (self.name, name))

    @cached_property
    def _whole(self) -> SqlCatalog:
        from pyiceberg.catalog.sql import SqlCatalog

        return SqlCatalog(self.name, **self.properties)

    def _lay_out(self) -> None:
        with self.transaction() as connection:
            for statement in LAYOUT:
                connection.execute(statement)
            if "iceberg_type" not in _columns(connection):  # made by an older pyiceberg
                connection.execute("ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None)

    def _one(self, query: str, values: Any) -> Any:
        with contextlib.closing(self._connect()) as connection:
            row = connection.execute(query, values).fetchone()
        return row and row[0]


def _columns(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute("PRAGMA table_info(iceberg_tables)")}


def _names(identifier: str | tuple[str, ...]) -> tuple[str, str]:
    """The namespace of a table, all its levels as one, and its name in there."""
    namespace, _, name = (identifier if isinstance(identifier, str) else ".".join(identifier)).rpartition(".")
    return namespace, name
