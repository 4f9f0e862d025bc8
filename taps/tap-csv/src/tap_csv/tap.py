"""The tap: discovery and sync of all its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.catalog import Catalog
from dativo_protocol.errors import CatalogError
from dativo_protocol.selection import selected_streams

from tap_csv.definitions import resolve
from tap_csv.discovery import discover_stream, find_files
from tap_csv.notices import Notices
from tap_csv.plan import plan_stream
from tap_csv.rows import open_csv
from tap_csv.sync import StreamRun

if TYPE_CHECKING:
    from dativo_protocol.catalog import CatalogEntry
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter

    from tap_csv.plan import StreamPlan
    from tap_csv.settings import TapCsvSettings


class CsvTap:
    """Streams made of CSV files."""

    def __init__(self, settings: TapCsvSettings) -> None:
        """Resolve the settings.

        Raises:
            ConfigError: with every problem found.
        """
        self._definitions = {each.entity: each for each in resolve(settings)}
        self._notices = Notices()

    def discover(self) -> Catalog:
        """Describe every stream, in the order of the settings.

        Raises:
            CsvError: a stream's files cannot be found or read, or lack a key column.
        """
        found = [discover_stream(definition, self._notices) for definition in self._definitions.values()]
        return Catalog.of(entry for entry in found if entry is not None)

    def sync(self, catalog: Catalog, state: State, out: MessageWriter) -> None:
        """Write the selected streams one after the other, in the order of the catalog.

        Raises:
            CatalogError: the catalog selects what the settings do not define.
            CsvError: a file cannot be read on, or holds what the settings do not allow.
        """
        plans = [self._plan(entry) for entry in selected_streams(catalog)]
        for plan in plans:
            StreamRun(plan, state, out, self._notices).run()

    def check(self) -> None:
        """Open the first file of every stream.

        Raises:
            CsvError: that fails.
        """
        for definition in self._definitions.values():
            for file in find_files(definition, self._notices)[:1]:
                with open_csv(file, definition):
                    pass

    def _plan(self, entry: CatalogEntry) -> StreamPlan:
        definition = self._definitions.get(entry.tap_stream_id)
        if definition is None:
            known = ", ".join(map(repr, self._definitions))
            raise CatalogError(
                f"the catalog selects a stream {entry.tap_stream_id!r} that the settings do not define",
                instruction=f"Write a fresh catalog with --discover; `files` defines {known}.",
            )
        return plan_stream(entry, definition)
