"""The data files of a table as it stands, and the delete files that apply to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_iceberg.upsert.errors import UnreadableTableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.manifest import DataFile, ManifestEntry
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data file of a snapshot.

    Attributes:
        file: its entry.
        deletes: position-delete files that may have rows of it.
        equality_deletes: equality-delete files that may have rows of it. Such a file cannot be written anew:
            its rows would become younger than what deletes them.
    """

    file: DataFile
    deletes: tuple[DataFile, ...] = ()
    equality_deletes: tuple[DataFile, ...] = ()

    @property
    def has_equality_deletes(self) -> bool:
        """Whether readers take rows from it by their values."""
        return bool(self.equality_deletes)

    @property
    def path(self) -> str:
        """Where it is, as the table says it."""
        return self.file.file_path


def head_of(table: Table, branch: str | None = None) -> Snapshot | None:
    """The snapshot that a commit to a branch (None: the main one) builds on; None for a table without any.

    A branch that does not exist yet begins where the main one is.
    """
    snapshot = table.metadata.snapshot_by_name(branch) if branch is not None else None
    return snapshot if snapshot is not None else table.current_snapshot()


def all_files(table: Table, snapshot: Snapshot | None) -> list[DataFile]:
    """The files of a snapshot, those of deletes too.

    Raises:
        UnreadableTableError: a manifest cannot be read.
    """
    return [entry.data_file for entry in _entries(table, snapshot)]


def live_files(table: Table, snapshot: Snapshot | None) -> list[LiveFile]:
    """The data files of a snapshot.

    Raises:
        UnreadableTableError: a manifest cannot be read, or the table has deletes of a newer format.
    """
    from pyiceberg.manifest import DataFileContent

    entries = _entries(table, snapshot)
    data = [entry for entry in entries if entry.data_file.content == DataFileContent.DATA]
    if len(data) == len(entries):
        return [LiveFile(entry.data_file) for entry in data]
    return _with_deletes(table, data, entries)


def _entries(table: Table, snapshot: Snapshot | None) -> list[ManifestEntry]:
    if snapshot is None:
        return []
    try:
        return [
            entry
            for manifest in snapshot.manifests(table.io)
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        ]
    except (OSError, ValueError) as error:
        raise UnreadableTableError(
            f"cannot read the manifests of snapshot {snapshot.snapshot_id}: {error}"
        ) from error


def _with_deletes(
    table: Table, data: Iterable[ManifestEntry], entries: Iterable[ManifestEntry]
) -> list[LiveFile]:
    from pyiceberg.manifest import DataFileContent, FileFormat
    from pyiceberg.table.delete_file_index import DeleteFileIndex

    index, equality = DeleteFileIndex(), []
    for entry in entries:
        if entry.data_file.content == DataFileContent.POSITION_DELETES:
            if entry.data_file.file_format != FileFormat.PARQUET:
                path, kind = entry.data_file.file_path, entry.data_file.file_format
                raise UnreadableTableError(f"{path}: deletes in a file of format {kind} are not supported")
            index.add_delete_file(entry, partition_key=entry.data_file.partition)
        elif entry.data_file.content == DataFileContent.EQUALITY_DELETES:
            equality.append(entry)
    live = []
    for entry in data:
        file = entry.data_file
        deletes = index.for_data_file(entry.sequence_number or 0, file, partition_key=file.partition)
        blind = tuple(each.data_file for each in equality if _may_apply(table, each, entry))
        live.append(LiveFile(file, tuple(deletes), blind))
    return live


def _may_apply(table: Table, delete: ManifestEntry, data: ManifestEntry) -> bool:
    """Whether an equality-delete file is younger than a data file and of its partition, or of all of them."""
    if (delete.sequence_number or 0) <= (data.sequence_number or 0):
        return False
    spec = table.metadata.specs()[delete.data_file.spec_id]
    if spec.is_unpartitioned():
        return True
    same = delete.data_file.spec_id == data.data_file.spec_id
    return same and bool(delete.data_file.partition == data.data_file.partition)
