"""Finds the rows that an ACTIVATE_VERSION message makes void: those of older versions, or of none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_iceberg.upsert.bounds import bounds_of
from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.kernels import bits
from target_iceberg.upsert.old_deletes import OldDeletes
from target_iceberg.upsert.positions import FileHits

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.kernels import Values
    from target_iceberg.upsert.live_files import LiveFile


@dataclass(frozen=True, slots=True)
class ActivatedVersion:
    """What an ACTIVATE_VERSION message says of a table.

    Attributes:
        field_id: of the column with the versions of rows.
        version: that is active; rows without a version, or of a lesser one, go.
    """

    field_id: int
    version: int


def find_older(table: Table, active: ActivatedVersion, files: Iterable[LiveFile]) -> list[FileHits]:
    """Find the rows that go, by file. Files whose bounds tell for all their rows are not read.

    Raises:
        UnreadableTableError: a file cannot be read.
    """
    old = OldDeletes(table)
    found = (_search(table, active, live, old) for live in files)
    return [hits for hits in found if hits is not None and hits.count]


def _search(table: Table, active: ActivatedVersion, live: LiveFile, old: OldDeletes) -> FileHits | None:
    verdict = _verdict(table, active, live.file)
    if verdict is False:
        return None
    hits = FileHits(live, old.positions(live))
    if verdict is True:
        hits.add(0, bits(live.file.record_count, value=True))
        return hits
    with open_data_file(table, live.file) as reader:
        name = reader.names.get(active.field_id)
        if name is None:
            hits.add(0, bits(live.file.record_count, value=True))
            return hits
        for first, batch in reader.batches([name]):
            hits.add(first, older(batch.column(name), active.version))
    return hits


def may_be_older(table: Table, active: ActivatedVersion, file: DataFile) -> bool:
    """Whether a file has rows that go, as far as its bounds tell."""
    return _verdict(table, active, file) is not False


def older(versions: Values, version: int) -> pa.BooleanArray:
    """Which rows have an older version than that, or none."""
    import pyarrow as pa
    from pyarrow import compute

    less: Any = compute.less(versions, pa.scalar(version, versions.type))
    known: Any = compute.coalesce(less, pa.scalar(value=False))
    either: pa.BooleanArray = compute.or_(compute.is_null(versions), known)
    return either


def _verdict(table: Table, active: ActivatedVersion, file: DataFile) -> bool | None:
    """Whether all rows of a file go (True), or none (False); None if only the rows can tell."""
    column = next((each for each in table.schema().fields if each.field_id == active.field_id), None)
    if column is None:
        return None  # it comes with this epoch: the file tells whether it has it
    bounds = bounds_of(file, column)
    if bounds.only_nulls or (bounds.greatest is not None and bounds.greatest < active.version):
        return True
    if bounds.nulls == 0 and bounds.least is not None and bounds.least >= active.version:
        return False
    return None
