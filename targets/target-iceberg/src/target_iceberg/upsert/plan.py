"""What to commit so that the last write of every key wins."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_iceberg.commit.change import Change
from target_iceberg.upsert.delete_files import write_position_deletes
from target_iceberg.upsert.live_files import LiveFile
from target_iceberg.upsert.positions import FileHits, merge, no_positions
from target_iceberg.upsert.rewrite import can_rewrite, rewrite_without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.kernels import Positions
    from target_iceberg.upsert.settings import UpsertSettings


@dataclass(frozen=True, slots=True)
class _Going:
    """The rows of one file that have to go.

    Attributes:
        live: the file, of the table or of the epoch.
        before: positions that have gone before.
        now: positions that go now.
        is_new: whether the file is one of the epoch's own.
    """

    live: LiveFile
    before: Positions
    now: Positions
    is_new: bool

    @property
    def all(self) -> Positions:
        """Every position that has no row after this."""
        return merge(self.before, self.now) if len(self.before) else self.now


@dataclass(slots=True)
class _Outcome:
    """The parts of a change, as they are found."""

    add: list[DataFile] = field(default_factory=list)
    deletes: list[DataFile] = field(default_factory=list)
    remove: list[DataFile] = field(default_factory=list)
    pointed_at: set[str] = field(default_factory=set)
    rows: int = 0


class Written:
    """Files that earlier attempts at one commit have written, to be used again while they fit.

    They are never removed here: an attempt that seemed to fail may still turn out to have been committed.
    """

    def __init__(self) -> None:
        self._deletes: dict[tuple[tuple[str, int, int], ...], tuple[Mapping[str, Positions], DataFile]] = {}
        self._copies: dict[str, tuple[Positions, DataFile | None]] = {}

    def deletes(self, table: Table, rows: Mapping[str, Positions], like: DataFile) -> DataFile:
        """A delete file for these rows."""
        name = tuple(sorted((path, len(each), each[0].as_py()) for path, each in rows.items()))
        known, file = self._deletes.get(name, (None, None))
        if file is None or known is None or any(not known[path].equals(rows[path]) for path in rows):
            file = write_position_deletes(table, rows, like)
            self._deletes[name] = rows, file
        return file

    def copy(self, table: Table, file: DataFile, gone: Positions) -> DataFile | None:
        """A copy of a file without these rows; None if none is left."""
        known, copy = self._copies.get(file.file_path, (None, None))
        if known is None or not known.equals(gone):
            copy = rewrite_without(table, file, gone)
            self._copies[file.file_path] = gone, copy
        return copy


def plan_upsert(
    table: Table,
    added: Sequence[DataFile],
    overtaken: Mapping[str, Positions],
    hits: Iterable[FileHits],
    settings: UpsertSettings,
    written: Written | None = None,
) -> Change:
    """Say what to commit; files that it needs are written.

    Args:
        table: as it is now.
        added: data files of the epoch.
        overtaken: positions in them whose rows must not be seen, by path.
        hits: rows of the table that go.
        settings: how.
        written: what earlier attempts have written.

    Raises:
        StoreError: files cannot be read or written.
    """
    outcome, written = _Outcome(), written or Written()
    going = [_Going(each.live, each.gone, each.positions(), is_new=False) for each in hits if each.count]
    new = {file.file_path: file for file in added}
    going += [
        _Going(LiveFile(new[path], (), has_equality_deletes=False), no_positions(), rows, is_new=True)
        for path, rows in overtaken.items()
        if path in new
    ]
    outcome.rows = sum(len(each.now) for each in going)
    marked = [each for each in going if not _replace(table, each, settings, written, outcome)]
    _mark(table, marked, settings, written, outcome)
    replaced = {file.file_path for file in outcome.remove}
    return Change(
        add=tuple([file for file in added if file.file_path not in replaced] + outcome.add),
        deletes=tuple(outcome.deletes),
        remove=tuple(file for file in outcome.remove if file.file_path not in new),
        requires_live=frozenset(outcome.pointed_at),
        summary={"dativo.rows-replaced": str(outcome.rows)} if outcome.rows else {},
    )


def _replace(
    table: Table, going: _Going, settings: UpsertSettings, written: Written, outcome: _Outcome
) -> bool:
    """Take a file out, and a copy of what is left of it in, if so much of it goes; False if it does not."""
    file, gone = going.live.file, going.all
    if len(gone) < file.record_count:
        few = len(gone) <= settings.rewrite_ratio * file.record_count
        if few or going.live.has_equality_deletes or not can_rewrite(table, file):
            return False
    copy = written.copy(table, file, gone)
    outcome.remove.append(file)
    if copy is not None:
        outcome.add.append(copy)
    return True


def _mark(
    table: Table, going: Sequence[_Going], settings: UpsertSettings, written: Written, outcome: _Outcome
) -> None:
    """Write delete files for the rows that go."""
    for group in _groups(going, settings.files_with_own_deletes):
        rows = {each.live.path: each.now for each in group}
        outcome.deletes.append(written.deletes(table, rows, group[0].live.file))
    outcome.pointed_at.update(each.live.path for each in going if not each.is_new)


def _groups(going: Sequence[_Going], files_with_own_deletes: int) -> list[list[_Going]]:
    """Which files share a delete file."""
    if len(going) <= files_with_own_deletes:
        return [[each] for each in going]
    groups: dict[tuple[int, str], list[_Going]] = defaultdict(list)
    for each in going:
        file = each.live.file
        groups[file.spec_id, repr(file.partition)].append(each)
    return list(groups.values())
