"""Position-delete files that delete nothing any more, because the data files they name have gone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pyiceberg.manifest import DataFileContent, ManifestContent

from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.delete_files import PATH_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from target_iceberg.upsert.live_files import LiveFile


def dangling_deletes(table: Table, head: Snapshot | None, staying: Iterable[LiveFile]) -> list[DataFile]:
    """Position-delete files of a branch's head that have no row of the data files that stay.

    Raises:
        StoreError: a delete file cannot be read.
    """
    applying: dict[str, set[str]] = defaultdict(set)
    for live in staying:
        for delete in live.deletes:
            applying[delete.file_path].add(live.path)
    return [
        delete
        for delete in _position_deletes(table, head)
        if not (near := applying[delete.file_path]) or near.isdisjoint(_paths_in(table, delete))
    ]


def _position_deletes(table: Table, head: Snapshot | None) -> Iterable[DataFile]:
    for manifest in head.manifests(table.io) if head else ():
        if manifest.content == ManifestContent.DELETES:
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                if entry.data_file.content == DataFileContent.POSITION_DELETES:
                    yield entry.data_file


def _paths_in(table: Table, delete: DataFile) -> set[str]:
    """The data files it names; read only where its bounds cannot tell."""
    from pyarrow import compute

    lower, upper = ((bounds or {}).get(PATH_ID) for bounds in (delete.lower_bounds, delete.upper_bounds))
    if lower is not None and lower == upper:
        return {lower.decode()}
    with open_data_file(table, delete) as reader:
        column = reader.names.get(PATH_ID, "file_path")
        return {
            str(path)
            for _, batch in reader.batches([column])
            for path in compute.unique(batch.column(column)).to_pylist()
        }
