"""How a prepared epoch gets into its tables, by whichever process and however often it is tried.

First the files stand at their places, where no table names them yet; then every table takes its own in one
commit, which also says that it has this epoch. What the commit does is worked out from the ledger entry and
the table as it is at that moment, so it can be worked out anew after a conflict, or by a later process.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from target_parquet.publication import FilePublisher

from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.marker import Marker, read_marker
from target_iceberg.data_file import data_file
from target_iceberg.errors import StoreError
from target_iceberg.staged_table import TableShape
from target_iceberg.table_creation import load_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from target_parquet.ledger import Entry, StreamEntry
    from target_parquet.storage import Store


class TablePublisher:
    """Publishes epochs of one warehouse (`target_parquet.publication.Publisher`)."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._files = FilePublisher(store)
        self._catalog = catalog

    def publish(self, entry: Entry) -> None:
        """Put the files at their places, then commit them to their tables."""
        self._files.publish(entry)
        commits = [
            TableCommit(_identifier(stream), partial(_change, entry, stream))
            for stream in entry.streams
            if stream.extra
        ]
        if commits:
            commit_tables(self._catalog, _marker(entry), commits)

    def is_lost(self, entry: Entry) -> bool:
        """Ask the tables first: what one of them has is not lost, wherever its files are by now."""
        tables = [load_table(self._catalog, _identifier(stream)) for stream in entry.streams if stream.extra]
        markers = [read_marker(table.metadata, entry.pipeline) for table in tables if table is not None]
        if any(marker is not None and marker.epoch >= entry.epoch for marker in markers):
            return False
        return self._files.is_lost(entry)


def _identifier(stream: StreamEntry) -> tuple[str, ...]:
    return tuple(stream.extra["table"])


def _marker(entry: Entry) -> Marker:
    from target_parquet.ledger import digest

    return Marker(entry.pipeline, entry.epoch, digest(entry.state), entry.state)


def _change(entry: Entry, stream: StreamEntry, table: Table) -> Change:
    """What an epoch does to a table as it is now.

    Raises:
        StoreError: it is another table than the one the files were written for.
    """
    if str(table.metadata.table_uuid) != stream.extra["uuid"]:
        raise StoreError(
            f"table {'.'.join(_identifier(stream))} has been dropped and made anew while it was loaded",
            instruction="Run again; the records since the last STATE are sent again.",
        )
    added = tuple(_data_files(stream))
    overwrite = stream.extra["method"] == "overwrite"
    return Change(
        add=added,
        remove=tuple(_live_files(table)) if overwrite else (),
        evolve=TableShape.from_json(stream.extra["shape"]).bring_to,
        summary={"dativo.run": entry.run, "dativo.rows": str(stream.rows), "dativo.digest": stream.digest},
    )


def _data_files(stream: StreamEntry) -> list[DataFile]:
    location: Any = stream.extra["location"]
    base = stream.directory.removesuffix("/data")
    return [
        data_file(file.extra, f"{location}{file.name.removeprefix(base)}", file.rows, file.bytes)
        for file in stream.files
    ]


def _live_files(table: Table) -> list[DataFile]:
    """Data and delete files of the head."""
    snapshot = table.current_snapshot()
    if snapshot is None:
        return []
    return [
        entry.data_file
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    ]
