"""The tap: discovery and sync of all its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.selection import selected_streams

from tap_postgres.catalog_reading import plan_stream, table_id
from tap_postgres.connections import Connections
from tap_postgres.discovery import discover, look_up
from tap_postgres.errors import asking
from tap_postgres.privileges import read_privileges, report
from tap_postgres.table_catalog import read_tables

if TYPE_CHECKING:
    from dativo_protocol.catalog import Catalog
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter

    from tap_postgres.discovery import Discovered
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan


class PostgresTap:
    """Streams made of the tables of a database."""

    def __init__(self, settings: TapPostgresSettings) -> None:
        self._settings = settings

    def discover(self) -> Catalog:
        """Describe every table that can be read, in the order of schemas and names.

        Raises:
            ConfigError: the settings do not say where to connect.
            PostgresError: the server cannot be reached or does not answer.
        """
        with (
            Connections(self._settings) as connections,
            connections.read("discover") as connection,
            asking("discovering tables"),
        ):
            return discover(connection, self._settings)

    def sync(self, catalog: Catalog, state: State, out: MessageWriter) -> None:
        """Write the selected streams, begun in the order of the catalog.

        Raises:
            CatalogError: the catalog asks for what cannot be done.
            PostgresError: the server cannot be reached, or a table cannot be read on.
        """
        from tap_postgres.run import run_streams

        with Connections(self._settings) as connections:
            run_streams(self.plans(catalog, connections), connections, self._settings, state, out)

    def check(self) -> None:
        """Connect, and report what the user may do.

        Raises:
            ConfigError: the settings do not say where to connect.
            PostgresError: the server cannot be reached or does not answer.
        """
        with (
            Connections(self._settings) as connections,
            connections.read("test") as connection,
            asking("looking up privileges"),
        ):
            tables = read_tables(connection, schemas=self._settings.schemas)
            report(connection, read_privileges(connection), tables)

    def plans(self, catalog: Catalog, connections: Connections) -> list[StreamPlan]:
        """Work out what to do for the selected streams.

        Raises:
            CatalogError: the catalog asks for what cannot be done.
            PostgresError: the server cannot be reached, or a table is gone.
        """
        entries = selected_streams(catalog)
        ids = {table_id(entry) for entry in entries}
        with connections.read("plan") as connection, asking("looking up the selected tables"):
            tables = look_up(connection, self._settings, ids)
        found: dict[str, list[Discovered]] = {}
        for each in tables:
            found.setdefault(each.table.stream_id, []).append(each)
        return [plan_stream(entry, found, self._settings) for entry in entries]
