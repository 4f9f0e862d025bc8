"""How a prepared epoch gets into its tables, by whichever process and however often it is tried.

First the files stand at their places, where no table names them yet; then every table takes its own in one
commit, which also says that it has this epoch. What the commit does is worked out from the ledger entry and
the table as it is at that moment, so it can be worked out anew after a conflict, or by a later process.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from target_parquet.ledger import digest
from target_parquet.publication import FilePublisher

from target_iceberg.commit.change import TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.marker import Marker, read_marker
from target_iceberg.table_change import planned_change
from target_iceberg.table_creation import load_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from target_parquet.ledger import Entry, StreamEntry
    from target_parquet.storage import Store

    from target_iceberg.commit.change import Change
    from target_iceberg.settings import Settings


class TablePublisher:
    """Publishes epochs of one warehouse (`target_parquet.publication.Publisher`)."""

    def __init__(self, settings: Settings, store: Store, catalog: Catalog) -> None:
        self._settings = settings
        self._store = store
        self._files = FilePublisher(store)
        self._catalog = catalog

    def publish(self, entry: Entry) -> None:
        """Put the files at their places, then commit them to their tables.

        The files of a table that has them already are let be: by now a compaction may have replaced them.
        """
        waiting = [stream for stream in entry.streams if not self._has_epoch(entry, stream)]
        # The commit to a table takes out what is replaced; here files are only added.
        self._files.publish_streams(
            [replace(each, replaces=each.replaces and not each.extra) for each in waiting]
        )
        tables = [stream for stream in waiting if stream.extra]
        commits = [TableCommit(_identifier(each), partial(self._plan, entry, each)) for each in tables]
        if commits:
            marker = Marker(entry.pipeline, entry.epoch, digest(entry.state), entry.state)
            commit_tables(self._catalog, marker, commits, branch=self._settings.branch)
        self._store.remove([aid.name for stream in entry.streams for aid in stream.aids])

    def is_lost(self, entry: Entry) -> bool:
        """Ask the tables first: what one of them has is not lost, wherever its files are by now."""
        if any(stream.extra and self._has_epoch(entry, stream) for stream in entry.streams):
            return False
        return self._files.is_lost(entry)

    def _plan(self, entry: Entry, stream: StreamEntry, table: Table) -> Change:
        return planned_change(self._settings, self._store, entry, stream, table)

    def _has_epoch(self, entry: Entry, stream: StreamEntry) -> bool:
        """Whether the stream's table says so; a marker that is ahead is left to the commit, to be fenced."""
        table = load_table(self._catalog, _identifier(stream)) if stream.extra else None
        marker = read_marker(table.metadata, entry.pipeline) if table is not None else None
        return marker is not None and (marker.epoch, marker.state_hash) == (entry.epoch, digest(entry.state))


def _identifier(stream: StreamEntry) -> tuple[str, ...]:
    return tuple(stream.extra["table"])
