"""Commits to catalogs that keep nothing of a table but where its newest metadata file is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.catalog import Catalog, MetastoreCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table.locations import load_location_provider

from target_iceberg.commit.local_files import make_durable
from target_iceberg.commit.staging import discard
from target_iceberg.commit.table_metadata import updated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.io import FileIO
    from pyiceberg.table.metadata import TableMetadata

    from target_iceberg.commit.backends import Landed
    from target_iceberg.commit.staging import StagedCommit


@dataclass(frozen=True, slots=True)
class Move:
    """A table's pointer goes from one metadata file to the next."""

    commit: StagedCommit
    metadata: TableMetadata
    io: FileIO
    location: str

    @property
    def namespace(self) -> str:
        """Of the table, as catalogs write it."""
        return Catalog.namespace_to_string(Catalog.namespace_from(self.commit.table.name()))

    @property
    def table(self) -> str:
        """Its name without the namespace."""
        return Catalog.table_name_from(self.commit.table.name())

    @property
    def before(self) -> str:
        """Where the pointer has to be."""
        return self.commit.table.metadata_location

    def check(self, moved: int) -> None:
        """Hear how many pointers the catalog has moved.

        Raises:
            CommitFailedException: it was not there any more.
        """
        if moved != 1:
            raise CommitFailedException(f"table {self.commit.name} has been changed by another writer")


class PointerTransaction(ABC):
    """Takes commits by comparing and setting the location of each table's metadata.

    The location is the one the table was loaded from, so a commit of anybody else in between, whatever it
    changes, is a conflict.
    """

    repeats_requests = False

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """See `backends.Backend`; all tables change, or none."""
        ordered = sorted(
            staged, key=lambda each: each.table.name()
        )  # so that no two writers wait for each other
        moves = [_written(each) for each in ordered]
        try:
            self.move(moves)
        except CommitFailedException:
            for move in moves:
                discard(move.io, [move.location])
                discard(move.io, move.commit.written)
            raise
        for move in moves:
            landed(move.commit)
            Catalog._delete_old_metadata(move.io, move.commit.table.metadata, move.metadata)  # noqa: SLF001

    @abstractmethod
    def move(self, moves: Sequence[Move]) -> None:
        """Move the pointers in one transaction.

        Raises:
            CommitFailedException: one is not where it has to be, and none is moved.
        """


def _written(commit: StagedCommit) -> Move:
    """Write the new metadata; it has no requirements, since nothing at all may have changed."""
    table = commit.table
    new = updated(table.metadata, commit.updates, table.metadata_location)
    version = MetastoreCatalog._parse_metadata_version(table.metadata_location) + 1  # noqa: SLF001
    provider = load_location_provider(new.location, new.properties)
    location = provider.new_table_metadata_file_location(version)
    ToOutputFile.table_metadata(new, table.io.new_output(location))
    make_durable([*commit.written, location])
    return Move(commit, new, table.io, location)
