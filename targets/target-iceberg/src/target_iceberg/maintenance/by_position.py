"""Turns equality deletes into position deletes, which every reader understands and compaction applies.

What an upsert was spared is done here: the rows are looked for. A file of equality deletes goes once the rows
of all data files that it applies to are found.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dativo_protocol.errors import SchemaError
from pyiceberg.manifest import DataFileContent, FileFormat

from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.equality import can_be_equality
from target_iceberg.upsert.key_columns import KeyColumns
from target_iceberg.upsert.live_files import all_files, head_of, live_files
from target_iceberg.upsert.plan import plan_upsert
from target_iceberg.upsert.probe import ProbeLimits, find_hits
from target_iceberg.upsert.settings import UpsertSettings
from target_iceberg.upsert.written import Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.commit.limits import CommitLimits
    from target_iceberg.upsert.live_files import LiveFile
    from target_iceberg.upsert.positions import FileHits

logger = logging.getLogger(__name__)


def find_deleted_rows(
    catalog: Catalog,
    identifier: tuple[str, ...],
    limits: CommitLimits | None = None,
    *,
    branch: str | None = None,
    at_most: int | None = None,
) -> int:
    """Turn what can be turned on a branch; returns how many files of deletes have gone.

    Args:
        catalog: that has the table.
        identifier: of the table.
        limits: when to give up committing.
        branch: `main` if None.
        at_most: bytes of data files that may be searched; where there are more, everything is left.

    Raises:
        StoreError: files or the catalog refuse; the table is as it was before, or has position deletes.
    """
    table = catalog.load_table(identifier)
    if not _turnable(table, branch) or (at_most is not None and _bytes_to_search(table, branch) > at_most):
        return 0
    turning = _Turning(branch)
    commit_tables(catalog, None, [TableCommit(identifier, turning.change)], branch=branch, limits=limits)
    if turning.files:
        logger.info("table %s: %d files of equality deletes were turned", ".".join(identifier), turning.files)
    return turning.files


def turnable_files(table: Table, branch: str | None = None) -> int:
    """How many files of equality deletes `find_deleted_rows` would turn."""
    return len(_turnable(table, branch))


@dataclass(slots=True)
class _Turning:
    branch: str | None
    files: int = 0

    def change(self, table: Table) -> Change | None:
        """What to commit to the table as it is now; called anew after every conflict."""
        turnable = _turnable(table, self.branch)
        self.files = len(turnable)
        if not turnable:
            return None
        hits = list(_hits(table, turnable, self.branch))
        change = plan_upsert(table, (), {}, hits, UpsertSettings(), Written())
        gone = tuple(file for file, _ in turnable.values())
        return replace(change, remove=(*change.remove, *gone), replace=True, summary={})


def _turnable(table: Table, branch: str | None) -> Mapping[str, tuple[DataFile, KeyColumns]]:
    """Files of equality deletes by path, with their columns; the others stay as they are."""
    found = {}
    for file in all_files(table, head_of(table, branch)):
        if file.content == DataFileContent.EQUALITY_DELETES:
            columns = _columns(table, file)
            if columns is not None:
                found[file.file_path] = (file, columns)
            else:
                logger.warning("%s stays: such equality deletes cannot be turned", file.file_path)
    return found


def _bytes_to_search(table: Table, branch: str | None) -> int:
    files = live_files(table, head_of(table, branch))
    return sum(each.file.file_size_in_bytes for each in files if each.has_equality_deletes)


def _columns(table: Table, file: DataFile) -> KeyColumns | None:
    """What rows are compared by; None if they may be null or floats, for which `equal` has other rules."""
    required = {field.field_id for field in table.schema().fields if field.required}
    ids = tuple(file.equality_ids or ())
    if file.file_format != FileFormat.PARQUET or not ids or not required.issuperset(ids):
        return None
    try:
        columns = KeyColumns.of_table(".".join(table.name()), table.schema(), ids)
    except SchemaError:
        return None
    return columns if can_be_equality(columns) else None


def _hits(
    table: Table, turnable: Mapping[str, tuple[DataFile, KeyColumns]], branch: str | None
) -> Iterator[FileHits]:
    """Rows that go; each data file is searched once for all keys of the same columns."""
    groups: dict[tuple[str, ...], list[LiveFile]] = defaultdict(list)
    for live in live_files(table, head_of(table, branch)):
        applying = {file.file_path for file in live.equality_deletes} & turnable.keys()
        groups[tuple(sorted(applying))].append(live)
    for paths, files in groups.items():
        found: dict[str, FileHits] = {}
        by_columns: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for path in paths:
            by_columns[turnable[path][1].ids].append(path)
        for same in by_columns.values():
            columns = turnable[same[0]][1]
            keys = _DeletedKeys(table, [turnable[path][0] for path in same], columns)
            for path, hits in find_hits(table, columns, keys, files, ProbeLimits()).files.items():
                found[path] = found[path].with_more(hits) if path in found else hits
        yield from found.values()


@dataclass(frozen=True, slots=True)
class _DeletedKeys:
    """The keys in files of equality deletes."""

    table: Table
    files: Sequence[DataFile]
    columns: KeyColumns

    def batches(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for file in self.files:
            with open_data_file(self.table, file) as reader:
                names = [reader.names[each] for each in self.columns.ids]
                for _, batch in reader.batches(names):
                    yield pa.RecordBatch.from_arrays([batch.column(name) for name in names], names)
