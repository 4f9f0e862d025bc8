"""Compaction keeps every row and changes only how many files they are in."""

from typing import Any

import pytest
from pyarrow import parquet
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Operation
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, LongType, NestedField, StringType
from target_iceberg.commit.change import Change
from target_iceberg.commit.marker import Marker
from target_iceberg.maintenance import compaction
from target_iceberg.maintenance.compaction import compact, plan_compaction
from target_iceberg.maintenance.places import place_of
from target_iceberg.maintenance.settings import MaintenanceSettings

from tests.readers import assert_readers_agree

from .conftest import IDENTIFIER, LIMITS, Lake, numbered

LIMIT = 1 << 40
SETTINGS = MaintenanceSettings()


def compacted(lake: Lake, **settings: Any) -> compaction.Compaction:
    return compact(lake.catalog, IDENTIFIER, MaintenanceSettings(**settings), LIMIT, LIMITS)


def test_small_files_become_one_and_every_reader_sees_the_same_rows(lake: Lake) -> None:
    for first in range(0, 60, 10):
        lake.append(numbered(first, 10))
    planned = plan_compaction(lake.table, SETTINGS, LIMIT)
    done = compacted(lake)
    assert (done.files_before, done.files_after) == (planned.files_before, planned.files_after) == (6, 1)
    assert done.bytes_before == planned.bytes_before > done.bytes_after > 0
    snapshot = lake.table.current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary.operation == Operation.REPLACE
    assert snapshot.summary["total-records"] == "60"
    assert snapshot.summary["total-data-files"] == "1"
    assert_readers_agree(lake.table, numbered(0, 60))


def test_what_is_written_anew_is_in_the_order_of_the_table(lake: Lake) -> None:
    with lake.table.update_sort_order() as update:
        update.desc("id", IdentityTransform())
    for first in (20, 0, 10, 40, 30):
        lake.append(numbered(first, 10))
    assert compacted(lake).files_after == 1
    (task,) = lake.table.scan().plan_files()
    assert task.file.sort_order_id == lake.table.sort_order().order_id == 1
    ids = parquet.ParquetFile(place_of(task.file.file_path)).read(["id"])["id"].to_pylist()
    assert ids == list(range(49, -1, -1))
    assert_readers_agree(lake.table, numbered(0, 50))


def test_a_compacted_table_is_left_alone(lake: Lake) -> None:
    for first in range(5):
        lake.append(numbered(first, 1))
    compacted(lake)
    before = lake.table.metadata_location
    assert compacted(lake) == compaction.Compaction()
    assert lake.table.metadata_location == before


def test_few_small_files_wait_for_more(lake: Lake) -> None:
    for first in range(4):
        lake.append(numbered(first, 1))
    assert compacted(lake) == compaction.Compaction()
    assert compacted(lake, small_files=4).files_before == 4


def test_deleted_rows_are_gone_for_good_and_so_are_their_delete_files(lake: Lake) -> None:
    file = lake.append(numbered(0, 10))
    lake.delete(file, [0, 9])
    other = lake.append(numbered(10, 100))
    few = lake.delete(other, [5])
    done = compacted(lake)
    assert (done.files_before, done.files_after, done.delete_files) == (1, 1, 1)
    assert lake.live()[1] == [few.file_path]
    left = [row for row in numbered(0, 110) if row["id"] not in (0, 9, 15)]
    assert_readers_agree(lake.table, left)
    assert lake.table.inspect.files()["record_count"].to_pylist() != [10]


def test_a_file_with_all_rows_deleted_goes_without_a_successor(lake: Lake) -> None:
    file = lake.append(numbered(0, 3))
    lake.append(numbered(3, 3))
    lake.delete(file, [0, 1, 2])
    done = compacted(lake)
    assert (done.files_before, done.files_after, done.delete_files) == (1, 0, 1)
    assert_readers_agree(lake.table, numbered(3, 3))


def test_a_delete_file_stays_while_any_of_its_data_files_does(lake: Lake) -> None:
    gone, stays = lake.append(numbered(0, 4)), lake.append(numbered(4, 1000))
    shared = lake.delete_in({gone.file_path: [0, 1], stays.file_path: [0]}, gone)
    assert compacted(lake).delete_files == 0
    assert lake.live()[1] == [shared.file_path]
    assert_readers_agree(lake.table, [row for row in numbered(0, 1004) if row["id"] not in (0, 1, 4)])
    compacted(lake, deleted_ratio=0.0)
    assert lake.live()[1] == []
    assert_readers_agree(lake.table, [row for row in numbered(0, 1004) if row["id"] not in (0, 1, 4)])


def test_many_delete_files_on_one_file_are_applied_though_they_delete_little(lake: Lake) -> None:
    file = lake.append(numbered(0, 1000))
    for position in range(5):
        lake.delete(file, [position])
    assert compacted(lake).delete_files == 5
    assert_readers_agree(lake.table, numbered(5, 995))


def test_partitions_are_kept_apart(lake: Lake) -> None:
    catalog = lake.catalog
    catalog.drop_table(IDENTIFIER)
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name"))
    catalog.create_table(IDENTIFIER, schema, partition_spec=spec)
    rows = [{"id": number, "name": name} for name in ("a", None) for number in range(5)]
    for row in rows:
        lake.append([row], row["name"])
    done = compacted(lake)
    assert (done.files_before, done.files_after) == (10, 2)
    assert sorted(str(each["name"]) for each in lake.table.inspect.files()["partition"].to_pylist()) == [
        "None",
        "a",
    ]
    assert_readers_agree(lake.table, rows)


def test_files_of_older_schemas_get_the_columns_of_today(lake: Lake) -> None:
    lake.append(numbered(0, 2))
    with lake.table.update_schema() as update:
        update.rename_column("name", "title").add_column("more", DoubleType())
    lake.append([{"id": 2, "title": "row 2", "more": 0.5}])
    with lake.table.update_schema() as update:
        update.move_first("more").delete_column("title")
    for number in range(3, 6):
        lake.append([{"id": number, "more": float(number)}])
    compacted(lake)
    assert len(lake.live()[0]) == 1
    more = [None, None, 0.5, 3.0, 4.0, 5.0]
    assert_readers_agree(lake.table, [{"id": at, "more": value} for at, value in enumerate(more)])


def test_how_far_pipelines_have_come_stays_written_in_the_table(lake: Lake) -> None:
    marker = Marker("flights", 7, "abc", '{"bookmark": 1}')
    with lake.table.transaction() as transaction:
        transaction.set_properties({marker.property_name: marker.property_value, "mine": "kept"})
    for first in range(5):
        lake.append(numbered(first, 1))
    before = lake.table.properties
    compacted(lake)
    assert lake.table.properties == before


def test_no_more_is_written_anew_than_allowed(lake: Lake) -> None:
    for first in range(10):
        lake.append(numbered(first, 1))
    assert compact(lake.catalog, IDENTIFIER, SETTINGS, 10) == compaction.Compaction()


@pytest.fixture
def interference(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets something happen to the table after files were written anew, before the commit, once."""

    def arrange(action: Any) -> None:
        prepare, waiting = compaction._Attempt.prepare, [action]

        def interrupted(*args: Any) -> Any:
            attempt = prepare(*args)
            if waiting:
                waiting.pop()()
            return attempt

        monkeypatch.setattr(compaction._Attempt, "prepare", interrupted)

    return arrange


def test_rows_deleted_meanwhile_stay_deleted(lake: Lake, interference: Any) -> None:
    files = [lake.append(numbered(first, 10)) for first in range(0, 50, 10)]
    interference(lambda: lake.delete(files[2], [3]))
    done = compacted(lake)
    assert done.files_before == 5
    assert len(lake.live()[0]) == 1
    assert lake.live()[1] == []
    assert_readers_agree(lake.table, [row for row in numbered(0, 50) if row["id"] != 23])


def test_rows_appended_meanwhile_stay(lake: Lake, interference: Any) -> None:
    for first in range(0, 50, 10):
        lake.append(numbered(first, 10))
    interference(lambda: lake.append(numbered(50, 10)))
    assert compacted(lake).files_before == 5
    assert len(lake.live()[0]) == 2
    assert_readers_agree(lake.table, numbered(0, 60))


def test_a_table_overwritten_meanwhile_gets_nothing_back(lake: Lake, interference: Any) -> None:
    files = [lake.append(numbered(first, 10)) for first in range(0, 50, 10)]
    interference(lambda: lake.change(lambda _: Change(remove=tuple(files))))
    assert compacted(lake) == compaction.Compaction()
    assert_readers_agree(lake.table, [])


def test_a_table_dropped_and_made_anew_meanwhile_is_left_alone(lake: Lake, interference: Any) -> None:
    for first in range(0, 50, 10):
        lake.append(numbered(first, 10))

    def made_anew() -> None:
        lake.catalog.drop_table(IDENTIFIER)
        lake.catalog.create_table(IDENTIFIER, lake.table_schema)
        lake.append(numbered(0, 1))

    lake.table_schema = lake.table.schema()  # type: ignore[attr-defined]
    interference(made_anew)
    assert compacted(lake) == compaction.Compaction()
    assert_readers_agree(lake.table, numbered(0, 1))


def test_what_was_written_in_vain_is_removed(lake: Lake, interference: Any) -> None:
    files = [lake.append(numbered(first, 10)) for first in range(0, 50, 10)]
    before = lake.on_disk()
    interference(lambda: lake.change(lambda _: Change(remove=tuple(files))))
    compacted(lake)
    assert lake.on_disk() == before
