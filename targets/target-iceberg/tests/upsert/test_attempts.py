"""A commit that is tried again after another writer's searches what is new, and leaves nothing behind."""

from pathlib import Path

import pyarrow as pa
import pytest
from target_iceberg.errors import StoreError
from target_iceberg.upsert.versions import ActivatedVersion

from .lake import make_lake
from .versioned import SCHEMA, rows, values


@pytest.fixture
def lake(tmp_path):
    return make_lake(tmp_path, SCHEMA)


def once(action):
    """Do something at the first attempt, between its plan and its commit."""
    done = []

    def meddle(_table):
        if not done:
            done.append(True)
            action()

    return meddle


def paths(change):
    return {file.file_path.removeprefix("file://") for file in change.add + change.deletes}


def test_files_that_another_writer_added_are_searched_and_no_others(lake):
    lake.append(rows(range(100)), rows(range(100, 200)))
    lake.upsert(rows([1, 101], "new"), before_commit=once(lambda: lake.append(rows(range(200)))))
    assert lake.searches == 3
    changed = [row["id"] for row in lake.rows() if row["v"] == "new"]
    assert changed == [1, 101]
    assert len(lake.rows()) == 398, "each of the two keys stood in two files"


def test_rows_that_another_writer_deleted_are_not_deleted_again(lake):
    lake.append(rows(range(100)))
    lake.upsert(rows([1, 2, 3], "new"), before_commit=once(lambda: lake.upsert(rows([2], "foreign"))))
    assert values(lake) == {**dict.fromkeys(range(100), "old"), **dict.fromkeys([1, 2, 3], "new")}
    ours = lake.changes[-1]
    assert sum(file.record_count for file in ours.deletes) == 2, "the foreign file is taken out as a whole"
    assert len(ours.remove) == 1
    assert lake.searches == 2


def test_what_only_a_failed_attempt_needed_is_removed(lake):
    lake.append(rows(range(100)), rows(range(100, 104)))
    lake.upsert(
        rows([1, 100, 101], "new"), before_commit=once(lambda: lake.upsert(rows([1, 100], "foreign")))
    )
    _, failed, landed = [change for change in lake.changes if change.requires_live or change.remove]
    vain = paths(failed) - paths(landed)
    assert len(vain) == 1, "the deletes in the first file, whose row another writer has deleted"
    assert not any(Path(each).exists() for each in vain)
    assert len(paths(failed) & paths(landed)) == 2, "our rows, and the copy of the second file"
    assert values(lake)[1] == values(lake)[100] == values(lake)[101] == "new"


def test_a_table_that_is_rolled_back_is_searched_again(lake):
    lake.append(rows(range(100)))
    before = lake.table.current_snapshot().snapshot_id
    lake.upsert(rows([1], "gone soon"))

    def roll_back():
        with lake.table.manage_snapshots() as snapshots:
            snapshots.set_current_snapshot(snapshot_id=before)

    lake.upsert(rows([1, 2], "new"), before_commit=once(roll_back))
    assert values(lake) == {**dict.fromkeys(range(100), "old"), 1: "new", 2: "new"}
    assert len(lake.rows()) == 100


def test_older_versions_are_looked_for_in_new_files_only(lake):
    lake.append(pa.concat_tables([rows(range(50), version=1), rows(range(50, 100), version=2)]))
    meddle = once(lambda: lake.append(rows(range(100, 110), version=1)))
    lake.upsert(rows([50, 200], "new", version=2), active=ActivatedVersion(3, 2), before_commit=meddle)
    assert set(values(lake)) == {*range(50, 100), 200}
    assert values(lake)[50] == "new"
    assert lake.older_searches == 2


def test_a_commit_that_is_given_up_leaves_nothing_behind(lake):
    lake.append(rows(range(100)), rows(range(100, 104)))
    before = lake.table.metadata_location

    def never(_table):
        with lake.table.transaction() as transaction:
            transaction.set_properties(more=str(len(lake.changes)))
        lake.append(rows([1000 + len(lake.changes)]))

    with pytest.raises(StoreError, match="given up after"):
        lake.upsert(rows([1, 100, 101], "new"), before_commit=never)
    lake.planner.give_up()
    mine = [change for change in lake.changes if change.requires_live]
    assert len(mine) > 1
    written = set.union(*map(paths, mine)) - {lake.changes[-1].add[0].file_path}
    left = {each for each in written if Path(each).exists()}
    assert len(left) == 1, "the rows of the epoch, which its ledger entry names"
    assert before != lake.table.metadata_location
