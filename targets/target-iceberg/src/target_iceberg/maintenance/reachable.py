"""Which files the metadata of a table names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_iceberg.maintenance.places import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.io import FileIO
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot


@dataclass(slots=True)
class SnapshotFiles:
    """The files of some snapshots, by path.

    Attributes:
        lists: manifest lists.
        manifests: all that the lists name.
    """

    lists: set[str] = field(default_factory=set)
    manifests: dict[str, ManifestFile] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshots: Iterable[Snapshot], io: FileIO) -> SnapshotFiles:
        """Read the manifest lists.

        Raises:
            OSError: one cannot be read.
        """
        files = cls()
        for snapshot in snapshots:
            files.lists.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(io):
                files.manifests[manifest.manifest_path] = manifest
        return files


def entries_of(manifests: Iterable[ManifestFile], io: FileIO) -> dict[str, int]:
    """Sizes of the data and delete files that are live in any of these manifests.

    Raises:
        OSError: a manifest cannot be read.
    """
    return {
        entry.data_file.file_path: entry.data_file.file_size_in_bytes
        for manifest in manifests
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=True)
    }


def places_named_by(table: Table) -> set[str]:
    """The places of all files that any snapshot of a table needs, and of its metadata and statistics files.

    Raises:
        OSError: a manifest cannot be read.
    """
    metadata = table.metadata
    files = SnapshotFiles.of(metadata.snapshots, table.io)
    named = {table.metadata_location, *(each.metadata_file for each in metadata.metadata_log)}
    named |= {each.statistics_path for each in (*metadata.statistics, *metadata.partition_statistics)}
    named |= files.lists | files.manifests.keys()
    named |= entries_of(files.manifests.values(), table.io).keys()
    return {place_of(each) for each in named}
