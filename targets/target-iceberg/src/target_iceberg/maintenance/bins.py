"""Which data files are written anew together.

Small files of a partition are packed into bins of the table's target size. A bin that does not fill a file
leaves out files that are larger than all its others together: so every row that is written anew ends up in a
file at least twice as large as before, and n loads cost each row log(n) rewrites rather than n.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.manifest import FileFormat
from pyiceberg.table import TableProperties
from pyiceberg.utils.properties import property_as_int

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_iceberg.maintenance.settings import MaintenanceSettings
    from target_iceberg.upsert.live_files import LiveFile

_SMALL = 0.75
"""Share of the target size below which a file is small."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Data files of one partition that become one, in the order of their rows.

    Attributes:
        files: with their delete files, which are applied on the way.
    """

    files: tuple[LiveFile, ...]

    @property
    def bytes(self) -> int:
        """Size of the files."""
        return sum(each.file.file_size_in_bytes for each in self.files)


def target_bytes(properties: Mapping[str, str]) -> int:
    """Size that data files of the table should have."""
    size = property_as_int(
        dict(properties),
        TableProperties.WRITE_TARGET_FILE_SIZE_BYTES,
        TableProperties.WRITE_TARGET_FILE_SIZE_BYTES_DEFAULT,
    )
    return max(1, size or 1)


def choose_bins(
    files: Sequence[LiveFile], target: int, settings: MaintenanceSettings, limit: int
) -> list[Bin]:
    """Choose what to write anew, up to `limit` bytes; first what takes the most files away.

    Files of other formats and such that equality deletes apply to are left alone: their rows would become
    younger than what deletes them.
    """
    deleted = _deleted_rows(files)
    partitions: dict[tuple[int, str], list[LiveFile]] = defaultdict(list)
    for each in files:
        if each.file.file_format == FileFormat.PARQUET and not each.has_equality_deletes:
            partitions[each.file.spec_id, repr(each.file.partition)].append(each)
    bins = [
        each for members in partitions.values() for each in _Packing(target, settings, deleted).bins(members)
    ]
    bins.sort(key=lambda each: sum(1 + len(file.deletes) for file in each.files), reverse=True)
    return list(_within(bins, limit))


def _deleted_rows(files: Iterable[LiveFile]) -> dict[str, float]:
    """Estimate for each data file: what delete files say of several data files is divided equally."""
    shared: dict[str, int] = defaultdict(int)
    for each in files:
        for delete in each.deletes:
            shared[delete.file_path] += 1
    return {
        each.path: sum(delete.record_count / shared[delete.file_path] for delete in each.deletes)
        for each in files
        if each.deletes
    }


@dataclass(frozen=True, slots=True)
class _Packing:
    target: int
    settings: MaintenanceSettings
    deleted: Mapping[str, float]

    def bins(self, members: Iterable[LiveFile]) -> list[Bin]:
        """Bins of one partition that are worth it."""
        candidates = [each for each in members if self._is_small(each) or self._is_dirty(each)]
        candidates.sort(key=lambda each: each.file.file_size_in_bytes)
        return [Bin(tuple(chosen)) for packed in self._packed(candidates) if (chosen := self._worth(packed))]

    def _packed(self, candidates: Iterable[LiveFile]) -> list[list[LiveFile]]:
        packed: list[list[LiveFile]] = [[]]
        size = 0
        for each in candidates:
            if packed[-1] and size + each.file.file_size_in_bytes > self.target:
                packed.append([])
                size = 0
            packed[-1].append(each)
            size += each.file.file_size_in_bytes
        return packed

    def _worth(self, packed: list[LiveFile]) -> list[LiveFile]:
        """The files of a bin that should be written anew, [] if none."""
        size = sum(each.file.file_size_in_bytes for each in packed)
        if len(packed) > 1 and size >= _SMALL * self.target:
            return packed
        chosen = list(packed)
        while chosen and not self._is_dirty(chosen[-1]) and self._dwarfs_others(chosen):
            chosen.pop()
        if len(chosen) >= self.settings.small_files:
            return chosen
        return [each for each in packed if self._is_dirty(each)]

    def _dwarfs_others(self, chosen: Sequence[LiveFile]) -> bool:
        *others, largest = (each.file.file_size_in_bytes for each in chosen)
        return largest > sum(others)

    def _is_small(self, each: LiveFile) -> bool:
        return each.file.file_size_in_bytes < _SMALL * self.target

    def _is_dirty(self, each: LiveFile) -> bool:
        gone = self.deleted.get(each.path, 0.0)
        return len(each.deletes) >= self.settings.delete_files or (
            gone > 0 and gone >= self.settings.deleted_ratio * each.file.record_count
        )


def _within(bins: Iterable[Bin], limit: int) -> Iterable[Bin]:
    left = limit
    for each in bins:
        if each.bytes <= left:
            left -= each.bytes
            yield each
