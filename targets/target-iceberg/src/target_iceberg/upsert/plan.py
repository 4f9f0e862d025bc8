"""What to commit so that the last write of every key wins."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_iceberg.commit.change import Change
from target_iceberg.upsert.live_files import LiveFile
from target_iceberg.upsert.positions import FileHits, merge, no_positions
from target_iceberg.upsert.rewrite import can_rewrite
from target_iceberg.upsert.written import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.kernels import Positions
    from target_iceberg.upsert.settings import UpsertSettings


@dataclass(frozen=True, slots=True)
class _Going:
    """The rows of one file that have to go.

    Positions are worked out when they are needed and not kept, for they take 64 times the memory of bits.

    Attributes:
        live: the file, of the table or of the epoch.
        before: positions that have gone before.
        now: gives the positions that go now.
        is_new: whether the file is one of the epoch's own.
    """

    live: LiveFile
    before: Positions
    now: Callable[[], Positions]
    is_new: bool


@dataclass(slots=True)
class _Outcome:
    """The parts of a change, as they are found."""

    add: list[DataFile] = field(default_factory=list)
    deletes: list[DataFile] = field(default_factory=list)
    remove: list[DataFile] = field(default_factory=list)
    pointed_at: set[str] = field(default_factory=set)
    rows: int = 0


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
    going = _going(added, overtaken, hits)
    marked = [each for each in going if not _replace(table, each, settings, written, outcome)]
    for group in _groups(marked, settings.files_with_own_deletes):
        outcome.deletes.append(written.deletes(table, [(each.live, each.now) for each in group]))
    outcome.pointed_at.update(each.live.path for each in marked if not each.is_new)
    new, replaced = {file.file_path for file in added}, {file.file_path for file in outcome.remove}
    return Change(
        add=tuple([file for file in added if file.file_path not in replaced] + outcome.add),
        deletes=tuple(outcome.deletes),
        remove=tuple(file for file in outcome.remove if file.file_path not in new),
        requires_live=frozenset(outcome.pointed_at),
        summary={"dativo.rows-replaced": str(outcome.rows)} if outcome.rows else {},
    )


def _going(
    added: Iterable[DataFile], overtaken: Mapping[str, Positions], hits: Iterable[FileHits]
) -> list[_Going]:
    """The files that rows go from, those of the table first."""
    old = [_Going(each.live, each.gone, each.positions, is_new=False) for each in hits if each.count]
    for file in added:
        rows = overtaken.get(file.file_path)
        if rows is not None:
            live = LiveFile(file)
            old.append(_Going(live, no_positions(), lambda rows=rows: rows, is_new=True))  # type: ignore[misc]
    return old


def _replace(
    table: Table, going: _Going, settings: UpsertSettings, written: Written, outcome: _Outcome
) -> bool:
    """Take a file out, and a copy of what is left of it in, if so much of it goes; False if it does not."""
    file, now = going.live.file, going.now()
    gone = merge(going.before, now) if len(going.before) else now
    outcome.rows += len(now)
    if len(gone) < file.record_count:
        few = len(gone) <= settings.rewrite_ratio * file.record_count
        if few or going.live.has_equality_deletes or not can_rewrite(table, file):
            return False
    copy = written.copy(table, file, gone)
    outcome.remove.append(file)
    if copy is not None:
        outcome.add.append(copy)
    return True


def _groups(going: Sequence[_Going], files_with_own_deletes: int) -> list[list[_Going]]:
    """Which files share a delete file."""
    if len(going) <= files_with_own_deletes:
        return [[each] for each in going]
    groups: dict[tuple[int, str], list[_Going]] = defaultdict(list)
    for each in going:
        file = each.live.file
        groups[file.spec_id, repr(file.partition)].append(each)
    return list(groups.values())
