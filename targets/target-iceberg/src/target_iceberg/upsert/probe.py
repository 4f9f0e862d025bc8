"""Finds the rows of a table whose keys an epoch brings anew or deletes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from dativo_protocol.keys import KeySet

from target_iceberg.upsert.bounds import bounds_of
from target_iceberg.upsert.data_reader import open_data_file
from target_iceberg.upsert.kernels import count_true
from target_iceberg.upsert.key_ranges import KeyRanges
from target_iceberg.upsert.old_deletes import OldDeletes
from target_iceberg.upsert.positions import FileHits, Portion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.data_reader import DataReader
    from target_iceberg.upsert.key_columns import KeyColumns
    from target_iceberg.upsert.live_files import LiveFile

DEFAULT_MEMORY = 96 << 20


class Keys(Protocol):
    """What is looked for."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The keys, a portion at a time."""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """How much a search may take at a time.

    Attributes:
        memory_bytes: of keys; more of them are looked for in several passes over the table.
        threads: files to search at a time.
    """

    memory_bytes: int = DEFAULT_MEMORY
    threads: int = 2


@dataclass(slots=True)
class Hits:
    """Rows of a table that have to go.

    Attributes:
        files: by path; only files with hits.
        searched: data files that were read, once for each pass.
        skipped: data files that could not have any of the keys.
    """

    files: dict[str, FileHits] = field(default_factory=dict)
    searched: int = 0
    skipped: int = 0

    @property
    def count(self) -> int:
        """All hits."""
        return sum(each.count for each in self.files.values())


def find_hits(
    table: Table, columns: KeyColumns, keys: Keys, files: Sequence[LiveFile], limits: ProbeLimits
) -> Hits:
    """Look for the keys of an epoch in data files of a table.

    Only key columns are read, of files and row groups whose bounds allow for one of the keys. Keys are
    compared as a whole, in the types that the table has now.

    Raises:
        StoreError: a file of the table, or that of the keys, cannot be read.
    """
    hits, old = Hits(), OldDeletes(table)
    for keys_at_once in _passes(columns, keys, limits.memory_bytes):
        with keys_at_once.set:
            candidates = [each for each in files if _may_be_in(table, columns, keys_at_once.ranges, each)]
            hits.skipped += len(files) - len(candidates)
            hits.searched += len(candidates)
            _search(table, keys_at_once, candidates, old, hits, limits.threads)
    return hits


def probe_bytes(table: Table, columns: KeyColumns, keys: Keys, files: Sequence[LiveFile]) -> int:
    """Bytes of key columns, as they are stored, that a search for the keys of an epoch would read.

    Raises:
        StoreError: the file of the keys cannot be read.
    """
    ranges = KeyRanges()
    for batch in columns.of_keys(keys.batches()):
        ranges.add(batch)
    return sum(_key_bytes(each.file, columns) for each in files if _may_be_in(table, columns, ranges, each))


def _key_bytes(file: DataFile, columns: KeyColumns) -> int:
    sizes = file.column_sizes or {}
    if all(each in sizes for each in columns.ids):
        return sum(sizes[each] for each in columns.ids)
    return file.file_size_in_bytes


def _may_be_in(table: Table, columns: KeyColumns, ranges: KeyRanges, live: LiveFile) -> bool:
    """Whether the bounds of a file leave room for one of the keys."""
    schema = table.schema()
    for at, field_id in enumerate(columns.ids):
        bounds = bounds_of(live.file, schema.find_field(field_id))
        if bounds.only_nulls or not ranges.may_have(at, bounds.least, bounds.greatest):
            return False
    return live.file.record_count > 0


def _search(
    table: Table, keys: _Pass, files: Sequence[LiveFile], old: OldDeletes, hits: Hits, threads: int
) -> None:
    """Search files at a time, taking up the next ones only as those before are done.

    Fewer files than threads are searched in parts.
    """
    parts = -(-threads // len(files)) if files else 1

    def search(part: tuple[LiveFile, int]) -> list[Portion]:
        live, number = part
        return keys.search(table, live, (number, parts))

    def without_old(found: tuple[LiveFile, list[Portion]]) -> FileHits:
        live, portions = found
        hits_of_file = hits.files.get(live.path) or FileHits(live, old.positions(live))
        for first, each in portions:
            hits_of_file.add(first, each)
        return hits_of_file

    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="probe") as pool:
        waiting = iter(files)
        while portion := list(islice(waiting, threads * 4)):
            found = pool.map(search, ((live, number) for live in portion for number in range(parts)))
            in_files = [(live, [*chain.from_iterable(islice(found, parts))]) for live in portion]
            for each in pool.map(without_old, (pair for pair in in_files if pair[1])):
                if each.count:
                    hits.files[each.live.path] = each


@dataclass(frozen=True, slots=True)
class _Pass:
    """As many keys as are looked for at once."""

    columns: KeyColumns
    set: KeySet
    ranges: KeyRanges

    def search(self, table: Table, live: LiveFile, part: tuple[int, int]) -> list[Portion]:
        """Search one of so many parts of a file; no hits if it has no such column."""
        number, parts = part
        found: list[Portion] = []
        with open_data_file(table, live.file) as reader:
            names = [reader.names.get(each) for each in self.columns.ids]
            present = [name for name in names if name is not None]
            if len(present) < len(names):
                return found

            def wanted(group: int) -> bool:
                return group % parts == number and self._may_be_in_group(reader, group, present)

            for first, batch in reader.batches(present, wanted):
                hits = self.set.contains(self._keys(batch, present))
                if count_true(hits):
                    found.append((first, hits))
        return found

    def _keys(self, batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
        import pyarrow as pa

        fields = zip(names, self.columns.schema, strict=True)
        arrays = [self.columns.widen(batch.column(name), field.type) for name, field in fields]
        return pa.RecordBatch.from_arrays(arrays, names=self.columns.schema.names)

    def _may_be_in_group(self, reader: DataReader, group: int, names: Sequence[str]) -> bool:
        """Whether the bounds of a row group leave room for one of the keys."""
        bounds = (reader.group_bounds(group, name) for name in names)
        return all(self.ranges.may_have(at, *each) for at, each in enumerate(bounds))


def _passes(columns: KeyColumns, keys: Keys, memory_bytes: int) -> Iterator[_Pass]:
    """Keys, as many at a time as fit the memory."""
    waiting = columns.of_keys(keys.batches())
    while (portion := _next_pass(columns, waiting, memory_bytes)) is not None:
        yield portion


def _next_pass(columns: KeyColumns, waiting: Iterator[pa.RecordBatch], memory_bytes: int) -> _Pass | None:
    found, ranges = KeySet(columns.schema), KeyRanges()
    for batch in waiting:
        found.add(batch)
        ranges.add(batch)
        if found.count().bytes > memory_bytes:
            break
    if found.count().keys:
        return _Pass(columns, found, ranges)
    found.close()
    return None
