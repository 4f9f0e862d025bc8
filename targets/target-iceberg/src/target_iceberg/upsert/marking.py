"""Marks the rows that an ACTIVATE_VERSION message makes void as deleted, where rows are kept.

A file with such rows is written anew, portion by portion: after a full load of a source these are most rows
of most files. Order, partition and columns stay as they are.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from target_parquet.metadata import DELETED_COLUMN

from target_iceberg.upsert.bounds import bounds_of
from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.kernels import count_true
from target_iceberg.upsert.old_deletes import OldDeletes
from target_iceberg.upsert.positions import without
from target_iceberg.upsert.versions import ActivatedVersion, may_be_older, older

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.commit.change import Change
    from target_iceberg.upsert.data_reader import DataReader
    from target_iceberg.upsert.kernels import Positions, Values
    from target_iceberg.upsert.live_files import LiveFile
    from target_iceberg.upsert.written import Written

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetiredVersions:
    """What an ACTIVATE_VERSION message says of a table whose rows are kept.

    Attributes:
        active: the version that is active; rows without a version, or of a lesser one, are marked.
        field_id: of the column that says when a row was deleted; rows that have it already keep it.
        at: that time, in microseconds since 1970.
    """

    active: ActivatedVersion
    field_id: int
    at: int


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """A file and its copy, None if no row was left; `rows` of it were marked."""

    file: DataFile
    copy: DataFile | None
    rows: int


@dataclass(slots=True)
class Marking:
    """Marks rows, for one attempt at a commit after the other; copies that still fit are used again.

    Attributes:
        retired: which rows, and how.
        written: where copies are kept.
    """

    retired: RetiredVersions
    written: Written

    def mark(
        self, table: Table, files: Iterable[LiveFile], gone: Mapping[str, Positions]
    ) -> dict[str, MarkedFile]:
        """Copy the files that have rows to mark; returns what came of them, by path.

        Args:
            table: as it is now.
            files: of it and of the epoch.
            gone: positions of rows that go with this commit or have gone before, by path. Of other files
                the delete files of the table are asked.

        Raises:
            StoreError: a file cannot be read, or the destination refuses a copy.
        """
        old, marked, left = OldDeletes(table), {}, 0
        for live in files:
            if not self._may_have_rows(table, live.file):
                continue
            positions = gone[live.path] if live.path in gone else old.positions(live)
            rows = self._rows_to_mark(table, live, positions)
            if rows and self._can_copy(table, live):
                marked[live.path] = MarkedFile(live.file, self._copy(table, live.file, positions), rows)
            elif rows:
                left += 1
        if left:
            logger.warning(
                "table %s: %d files have rows of older versions that cannot be marked as deleted, as "
                "equality deletes apply to the files or other writers left column ids out; have the engine "
                "that wrote them rewrite them",
                ".".join(table.name()),
                left,
            )
        return marked

    def _may_have_rows(self, table: Table, file: DataFile) -> bool:
        if not may_be_older(table, self.retired.active, file):
            return False
        columns = {each.field_id: each for each in table.schema().fields}
        deleted = columns.get(self.retired.field_id)
        return deleted is None or bounds_of(file, deleted).nulls != 0

    def _rows_to_mark(self, table: Table, live: LiveFile, gone: Positions) -> int:
        with open_data_file(table, live.file) as reader:
            wanted = (self.retired.active.field_id, self.retired.field_id)
            names = [reader.names[each] for each in wanted if each in reader.names]
            if not names:
                return live.file.record_count - len(gone)
            return sum(
                count_true(without(self._void(reader, batch), first, gone))
                for first, batch in reader.batches(names)
            )

    def _void(self, reader: DataReader, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which rows are of older versions and not marked."""
        from pyarrow import compute

        is_older = older(_column(reader, batch, self.retired.active.field_id), self.retired.active.version)
        return compute.and_(is_older, compute.is_null(_column(reader, batch, self.retired.field_id)))

    def _can_copy(self, table: Table, live: LiveFile) -> bool:
        spec = table.metadata.specs()[live.file.spec_id]
        if live.has_equality_deletes or any(each.source_id == self.retired.field_id for each in spec.fields):
            return False
        with open_data_file(table, live.file) as reader:
            return reader.has_ids

    def _copy(self, table: Table, file: DataFile, gone: Positions) -> DataFile | None:
        unsorts = _is_sorted_by(table, file, self.retired.field_id)
        return self.written.revised(table, file, gone, self._marked, unsorts=unsorts)

    def _marked(self, reader: DataReader, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows as the copy has them."""
        import pyarrow as pa
        from pyarrow import compute

        deleted = _column(reader, batch, self.retired.field_id)
        at: Any = pa.scalar(self.retired.at, pa.timestamp("us", "UTC")).cast(deleted.type)
        marked = compute.if_else(self._void(reader, batch), at, deleted)
        name = reader.names.get(self.retired.field_id)
        if name is not None:
            where = batch.schema.get_field_index(name)
            return batch.set_column(where, batch.schema.field(where), marked)
        identified = pa.field(DELETED_COLUMN, marked.type, metadata=_with_id(self.retired.field_id))
        return batch.append_column(identified, marked)


def with_marked(change: Change, marked: Iterable[MarkedFile], new: frozenset[str]) -> Change:
    """The change, with files in the place of those that were marked.

    Args:
        change: what else happens.
        marked: files of the table and of the epoch.
        new: paths of those of the epoch, which the table does not have yet.
    """
    every = list(marked)
    rows = sum(each.rows for each in every)
    if not every:
        return change
    copies = tuple(each.copy for each in every if each.copy is not None)
    going = tuple(each.file for each in every if each.file.file_path not in new)
    summary = {**change.summary, "dativo.rows-soft-deleted": str(rows)}
    return replace(change, add=change.add + copies, remove=change.remove + going, summary=summary)


def _column(reader: DataReader, batch: pa.RecordBatch, field_id: int) -> Values:
    """A column by its id; nulls for one that the file does not have."""
    import pyarrow as pa

    name = reader.names.get(field_id)
    return pa.nulls(batch.num_rows, pa.timestamp("us", "UTC")) if name is None else batch.column(name)


def _with_id(field_id: int) -> dict[bytes | str, bytes | str]:
    return {b"PARQUET:field_id": str(field_id).encode()}


def _is_sorted_by(table: Table, file: DataFile, field_id: int) -> bool:
    """Whether the order that a file is in has to do with a column."""
    order = table.metadata.sort_order_by_id(file.sort_order_id or 0)
    return order is None or any(each.source_id == field_id for each in order.fields)
