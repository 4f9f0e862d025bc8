"""The commit of one stream's epoch to its table, computed anew from what the table is when it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_iceberg.upsert.equality import ByValue, can_be_equality, spec_of_all, write_equality_deletes
from target_iceberg.upsert.key_columns import KeyColumns
from target_iceberg.upsert.live_files import LiveFile, head_of, live_files
from target_iceberg.upsert.marking import Marking, with_marked
from target_iceberg.upsert.plan import plan_upsert
from target_iceberg.upsert.positions import FileHits, merge
from target_iceberg.upsert.probe import find_hits, probe_bytes
from target_iceberg.upsert.searched import SearchedFiles
from target_iceberg.upsert.versions import find_older
from target_iceberg.upsert.written import Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.table import Table

    from target_iceberg.commit.change import Change
    from target_iceberg.upsert.epoch_keys import EpochKeys
    from target_iceberg.upsert.kernels import Positions
    from target_iceberg.upsert.marking import MarkedFile, RetiredVersions
    from target_iceberg.upsert.settings import UpsertSettings
    from target_iceberg.upsert.versions import ActivatedVersion


@dataclass(frozen=True, slots=True)
class EpochRows:
    """What an epoch brings to a table.

    Attributes:
        files: data files, at their places.
        keys: of their rows, and deleted ones; None for a stream without a key.
        key_ids: field ids of the key's columns, in the order they were logged.
        active: version that was activated, if one was, and rows of others go.
        retired: the same, where those rows are kept and marked as deleted.
        spec: that the table has with the epoch, if it may be a new one.
    """

    files: tuple[DataFile, ...] = ()
    keys: EpochKeys | None = None
    key_ids: tuple[int, ...] = ()
    active: ActivatedVersion | None = None
    retired: RetiredVersions | None = None
    spec: PartitionSpec | None = None


@dataclass(frozen=True, slots=True)
class _Search:
    columns: KeyColumns
    keys: EpochKeys
    files: Sequence[LiveFile]


class UpsertPlanner:
    """Plans the commit of an epoch; to be called for every attempt, with the table as it is then.

    Attempts after the first search files alone that are new since then, and use again what was written.

    Args:
        stream: for messages.
        rows: of the epoch.
        settings: how replaced rows are made to go.
        branch: that is committed to; None for the main one.
    """

    def __init__(
        self, stream: str, rows: EpochRows, settings: UpsertSettings, *, branch: str | None = None
    ) -> None:
        self._stream = stream
        self._rows = rows
        self._settings = settings
        self._branch = branch
        self._written = Written()
        self._marking = None if rows.retired is None else Marking(rows.retired, self._written)
        self._replaced, self._older = SearchedFiles(), SearchedFiles()
        self._heads: set[int | None] = set()
        self._io: FileIO | None = None

    def __call__(self, table: Table) -> Change:
        """What to commit.

        Raises:
            StoreError: the table cannot be read, or files that the commit needs cannot be written.
        """
        self._io = table.io
        self._written.begin_attempt()
        live = live_files(table, head_of(table, self._branch))
        search = self._search_of(table, live)
        by_value = None if search is None else self._by_value(table, search)
        if by_value is not None:
            live, search = by_value.applied_to(live), None
        change = self._planned(table, live, [] if search is None else self._found(table, search))
        self._settle_attempts(table)
        return change if by_value is None else by_value.added_to(change)

    def give_up(self) -> None:
        """Remove what was written; no attempt is or can be committed."""
        if self._io is not None:
            self._written.remove_all(self._io)

    def _planned(self, table: Table, live: Sequence[LiveFile], hits: list[FileHits]) -> Change:
        overtaken = dict(self._rows.keys.overtaken()) if self._rows.keys is not None else {}
        active, own = self._rows.active, [LiveFile(file) for file in self._rows.files]
        if active is not None:
            older = self._older.hits(table, live, lambda files: find_older(table, active, files))
            hits = _together(hits, older)
            overtaken = _with_older(overtaken, find_older(table, active, own))
        marked = self._marked(table, [*live, *own], overtaken, hits)
        change = plan_upsert(
            table,
            [file for file in self._rows.files if file.file_path not in marked],
            {path: rows for path, rows in overtaken.items() if path not in marked},
            [each for each in hits if each.live.path not in marked],
            self._settings,
            self._written,
        )
        return with_marked(change, marked.values(), frozenset(each.path for each in own))

    def _marked(
        self,
        table: Table,
        files: Sequence[LiveFile],
        overtaken: Mapping[str, Positions],
        hits: Iterable[FileHits],
    ) -> dict[str, MarkedFile]:
        """Copies of the files that have rows to be marked as deleted, without what goes."""
        if self._marking is None:
            return {}
        gone = {**overtaken, **{each.live.path: merge(each.gone, each.positions()) for each in hits}}
        return self._marking.mark(table, files, gone)

    def _settle_attempts(self, table: Table) -> None:
        """Remove what earlier attempts alone need, if the head has moved: they came to nothing."""
        head = head_of(table, self._branch)
        now = head.snapshot_id if head is not None else None
        if self._heads - {now}:
            self._written.remove_unused(table.io)
        self._heads = {now}

    def _search_of(self, table: Table, live: Sequence[LiveFile]) -> _Search | None:
        """What to look for in which files; None if there is nothing to be found."""
        keys = self._rows.keys
        if keys is None or not keys.count or not live:
            return None
        known = {field.field_id for field in table.schema().fields}
        if not known.issuperset(self._rows.key_ids):
            return None  # a column that comes with this epoch has no value in any row of the table
        columns = KeyColumns.of_table(self._stream, table.schema(), self._rows.key_ids).at_least(keys.types)
        return _Search(columns, keys, self._within_partitions(table, keys, live))

    def _found(self, table: Table, search: _Search) -> list[FileHits]:
        limits = self._settings.limits
        return self._replaced.hits(
            table,
            search.files,
            lambda files: find_hits(table, search.columns, search.keys, files, limits).files.values(),
        )

    def _by_value(self, table: Table, search: _Search) -> ByValue | None:
        """The keys for readers to look for, where we may not read as much as it takes; else None.

        Where rows are marked, every file is read anyhow, and what readers look for in it could not be copied.
        """
        most = self._settings.probe_bytes
        if most is None or self._marking is not None or not can_be_equality(search.columns):
            return None
        new = [each for each in search.files if not self._replaced.knows(each)]
        if probe_bytes(table, search.columns, search.keys, new) <= most:
            return None
        spec_id, evolve = spec_of_all(table, self._rows.spec)
        file = self._written.keys(
            f"{spec_id} {search.columns.schema}",
            lambda: write_equality_deletes(
                table, search.columns, search.columns.of_keys(search.keys.batches()), spec_id
            ),
        )
        return ByValue(file, evolve)

    def _within_partitions(self, table: Table, keys: EpochKeys, live: Sequence[LiveFile]) -> list[LiveFile]:
        """Files of buckets that one of the keys may be in.

        Where a column of the key decides on the bucket, a file of the epoch is in the bucket of every key,
        except for keys that were only deleted.
        """
        if keys.deleted:
            return list(live)
        buckets = {number: self._buckets(spec) for number, spec in table.metadata.specs().items()}
        touched: dict[int, set[tuple[int | None, ...]]] = {}
        for file in self._rows.files:
            fields = buckets.get(file.spec_id, ())
            touched.setdefault(file.spec_id, set()).add(tuple(file.partition[each] for each in fields))

        def may_have_keys(file: DataFile) -> bool:
            # Files of the epoch that have another spec say nothing about the buckets of this one.
            if set(touched) != {file.spec_id}:
                return True
            bucket = tuple(file.partition[each] for each in buckets[file.spec_id])
            return None in bucket or bucket in touched[file.spec_id]

        return [each for each in live if may_have_keys(each.file)]

    def _buckets(self, spec: PartitionSpec) -> tuple[int, ...]:
        """Which fields of a spec are buckets of key columns; of others the bounds of files tell as much."""
        from pyiceberg.transforms import BucketTransform

        return tuple(
            at
            for at, field in enumerate(spec.fields)
            if isinstance(field.transform, BucketTransform) and field.source_id in self._rows.key_ids
        )


def _together(one: Iterable[FileHits], other: Iterable[FileHits]) -> list[FileHits]:
    """Hits of two searches, those of one file together."""
    found = {hits.live.path: hits for hits in one}
    for hits in other:
        known = found.get(hits.live.path)
        found[hits.live.path] = hits if known is None else known.with_more(hits)
    return list(found.values())


def _with_older(overtaken: Mapping[str, Positions], older: Iterable[FileHits]) -> dict[str, Positions]:
    found = dict(overtaken)
    for hits in older:
        positions = hits.positions()
        path = hits.live.path
        found[path] = merge(found[path], positions) if path in found else positions
    return found
