"""Maintenance beside running loads: no load fails, no row is lost, doubled or brought back."""

import random
import threading
from typing import Any

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.errors import ConflictError
from target_iceberg.maintenance.compaction import compact
from target_iceberg.maintenance.expiry import expire
from target_iceberg.maintenance.orphans import find_orphans
from target_iceberg.maintenance.settings import MaintenanceSettings
from target_iceberg.maintenance.upkeep import inline_upkeep
from target_iceberg.upsert.delete_files import write_position_deletes
from target_iceberg.upsert.live_files import LiveFile, head_of, live_files

from tests.readers import assert_readers_agree
from tests.readers.tables import write_data_file

from .conftest import IDENTIFIER, Lake, numbered

COMMITS = 30
PATIENT = CommitLimits(attempts=200, seconds=300, first_wait=0.01, longest_wait=0.2)
EAGER = MaintenanceSettings(small_files=2, deleted_ratio=0.0, snapshot_days=0, orphan_days=0)


class Load(threading.Thread):
    """Appends ten rows with each commit, and deletes one of the rows before, wherever it is by then."""

    def __init__(self, lake: Lake) -> None:
        super().__init__()
        self.lake = lake
        self.rows: dict[int, dict[str, Any]] = {}
        self.problem: BaseException | None = None
        self._random = random.Random(7)

    def run(self) -> None:
        try:
            for number in range(COMMITS):
                self._commit(number)
        except BaseException as error:  # noqa: BLE001 -- told to the test
            self.problem = error

    def _commit(self, number: int) -> None:
        added = numbered(number * 10, 10)
        file = write_data_file(self.lake.table, added)
        victim = self._random.choice(sorted(self.rows)) if self.rows else None

        def plan(table: Table) -> Change:
            return _replaced(table, file, victim)

        commit_tables(self.lake.catalog, None, [TableCommit(IDENTIFIER, plan)], limits=PATIENT)
        self.rows |= {row["id"]: row for row in added}
        if victim is not None:
            del self.rows[victim]


def _replaced(table: Table, file: DataFile, victim: int | None) -> Change:
    """Add a file and delete one row of the table as it is now."""
    if victim is None:
        return Change(add=(file,))
    for live in live_files(table, head_of(table)):
        position = _position(table, live, victim)
        if position is not None:
            deletes = write_position_deletes(table, [(live.path, pa.array([position]))], live.file)
            return Change(add=(file,), deletes=(deletes,), requires_live=frozenset({live.path}))
    raise AssertionError(f"row {victim} is lost")


def _position(table: Table, live: LiveFile, victim: int) -> int | None:
    from pyarrow import parquet

    try:
        with table.io.new_input(live.path).open() as source:
            found = parquet.read_table(source, columns=["id"])["id"].to_pylist()
    except FileNotFoundError as error:  # compacted, and expired at once
        raise ConflictError(str(error)) from error
    return found.index(victim) if victim in found else None


def test_a_load_beside_compaction_and_expiry_loses_nothing(lake: Lake) -> None:
    load = Load(lake)
    load.start()
    rounds = 0
    while load.is_alive():
        compact(lake.catalog, IDENTIFIER, EAGER, 1 << 40, PATIENT)
        expire(lake.catalog, IDENTIFIER, EAGER, PATIENT)
        rounds += 1
    load.join()
    if load.problem is not None:
        raise load.problem
    compact(lake.catalog, IDENTIFIER, EAGER, 1 << 40, PATIENT)
    expire(lake.catalog, IDENTIFIER, EAGER, PATIENT)
    assert rounds > 0
    assert lake.live()[1] == []
    assert len(lake.table.metadata.snapshots) == 1
    assert_readers_agree(lake.table, load.rows.values())
    kept = {path for path in lake.on_disk() if path not in _named(find_orphans, lake)}
    assert len(kept) == len(lake.live()[0])


def _named(find: Any, lake: Lake) -> set[str]:
    from target_iceberg.maintenance.places import place_of

    return {place_of(each) for each in find(lake.catalog, IDENTIFIER, -60.0, set)}


def test_two_compactions_at_once_do_the_work_once(lake: Lake) -> None:
    for first in range(0, 50, 10):
        lake.append(numbered(first, 10))
    settings = MaintenanceSettings()
    threads = [
        threading.Thread(target=compact, args=(lake.catalog, IDENTIFIER, settings, 1 << 40, PATIENT))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lake.live()[0]) == 1
    assert len(lake.on_disk()) == 6
    assert_readers_agree(lake.table, numbered(0, 50))


def test_inline_upkeep_keeps_many_small_commits_from_piling_up(lake: Lake) -> None:
    settings = MaintenanceSettings(snapshot_days=0)
    most = 0
    for number in range(40):
        lake.append(numbered(number, 1))
        if number % 10 == 9:
            inline_upkeep(lake.catalog, IDENTIFIER, settings)
        most = max(most, len(lake.live()[0]))
    assert most <= 20
    assert len(lake.table.metadata.snapshots) == 1
    assert_readers_agree(lake.table, numbered(0, 40))


def test_inline_upkeep_that_fails_is_no_failure_of_the_load(lake: Lake, caplog: Any) -> None:
    for number in range(5):
        lake.append(numbered(number, 1))
    (lake.directory / "made" / "t" / "data").rename(lake.directory / "gone")
    inline_upkeep(lake.catalog, IDENTIFIER, MaintenanceSettings())
    assert "upkeep of table made.t is left for later" in caplog.text
