"""Commits to a SQL catalog: all tables of an epoch in one transaction of its database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import IcebergTables
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table.locations import load_location_provider

from target_iceberg.commit.local_files import make_durable
from target_iceberg.commit.staging import discard
from target_iceberg.commit.table_metadata import updated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.io import FileIO
    from pyiceberg.table.metadata import TableMetadata
    from sqlalchemy import Connection

    from target_iceberg.commit.backends import Landed
    from target_iceberg.commit.staging import StagedCommit


@dataclass(frozen=True, slots=True)
class _Move:
    """A table's pointer goes from one metadata file to the next."""

    commit: StagedCommit
    metadata: TableMetadata
    io: FileIO
    location: str


class SqlTransaction:
    """Takes commits by comparing and setting the location of each table's metadata.

    The location is the one the table was loaded from, so a commit of anybody else in between, whatever it
    changes, is a conflict.
    """

    def __init__(self, catalog: SqlCatalog) -> None:
        self._catalog = catalog

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """See `backends.Backend`; all tables change, or none."""
        ordered = sorted(
            staged, key=lambda each: each.table.name()
        )  # so that no two writers wait for each other
        moves = [self._write(each) for each in ordered]
        try:
            with self._catalog.engine.begin() as connection:
                for move in moves:
                    self._point(connection, move)
        except CommitFailedException:
            for move in moves:
                discard(move.io, [move.location])
                discard(move.io, move.commit.written)
            raise
        for move in moves:
            landed(move.commit)
            self._catalog._delete_old_metadata(move.io, move.commit.table.metadata, move.metadata)  # noqa: SLF001

    def _write(self, commit: StagedCommit) -> _Move:
        """Write the new metadata; it has no requirements, since nothing at all may have changed."""
        table = commit.table
        new = updated(table.metadata, commit.updates, table.metadata_location)
        version = self._catalog._parse_metadata_version(table.metadata_location) + 1  # noqa: SLF001
        provider = load_location_provider(new.location, new.properties)
        location = provider.new_table_metadata_file_location(version)
        ToOutputFile.table_metadata(new, table.io.new_output(location))
        make_durable([*commit.written, location])
        return _Move(commit, new, table.io, location)

    def _point(self, connection: Connection, move: _Move) -> None:
        from sqlalchemy import update

        name, old = move.commit.table.name(), move.commit.table.metadata_location
        changed = connection.execute(
            update(IcebergTables)
            .where(
                IcebergTables.catalog_name == self._catalog.name,
                IcebergTables.table_namespace == Catalog.namespace_to_string(Catalog.namespace_from(name)),
                IcebergTables.table_name == Catalog.table_name_from(name),
                IcebergTables.metadata_location == old,
            )
            .values(metadata_location=move.location, previous_metadata_location=old)
        )
        if changed.rowcount != 1:
            raise CommitFailedException(f"table {move.commit.name} has been changed by another writer")
