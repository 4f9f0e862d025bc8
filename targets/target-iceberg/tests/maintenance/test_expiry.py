"""Snapshots that are too old go, and with them every file that only they had; nothing else does."""

import time
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table
from target_iceberg.commit.change import Change
from target_iceberg.maintenance import expiry
from target_iceberg.maintenance.compaction import compact
from target_iceberg.maintenance.expiry import choose_expiry, expire, plan_expiry
from target_iceberg.maintenance.reachable import places_named_by
from target_iceberg.maintenance.report import Cleaning
from target_iceberg.maintenance.settings import MaintenanceSettings

from tests.readers import assert_readers_agree

from .conftest import IDENTIFIER, LIMITS, Lake, numbered

DAY_MS = 24 * 60 * 60 * 1000
AT_ONCE = MaintenanceSettings(snapshot_days=0)


def expired(lake: Lake, settings: MaintenanceSettings = AT_ONCE) -> Cleaning:
    return expire(lake.catalog, IDENTIFIER, settings, LIMITS)


def ids(table: Table) -> list[int]:
    return [each.snapshot_id for each in table.metadata.snapshots]


def chosen(table: Table, **settings: Any) -> set[int]:
    """What goes in ten days' time."""
    now = int(time.time() * 1000) + 10 * DAY_MS
    return set(choose_expiry(table.metadata, MaintenanceSettings(**settings), now).snapshots)


def test_what_replaced_files_leave_behind_is_deleted_and_the_rows_stay(lake: Lake) -> None:
    for first in range(5):
        lake.append(numbered(first, 1))
    lake.delete(lake.append(numbered(5, 10)), [0, 1])
    compact(lake.catalog, IDENTIFIER, MaintenanceSettings(), 1 << 40, LIMITS)
    planned = plan_expiry(lake.table, AT_ONCE)
    done = expired(lake)
    assert done == planned
    assert done.snapshots == 7
    assert done.bytes > 0
    assert len(lake.on_disk()) == 1
    assert len(ids(lake.table)) == 1
    assert_readers_agree(lake.table, [*numbered(0, 5), *numbered(7, 8)])


def test_all_that_is_left_is_named_by_the_table(lake: Lake) -> None:
    files = [lake.append(numbered(first, 1)) for first in range(3)]
    lake.change(lambda _: Change(remove=(files[0],)))
    expired(lake)
    metadata = {path for path in lake.on_disk("metadata") if not path.endswith(".metadata.json")}
    assert lake.on_disk() | metadata == {
        path for path in places_named_by(lake.table) if not path.endswith(".metadata.json")
    }


def test_appends_alone_cost_only_manifest_lists(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in range(3):
        lake.append(numbered(first, 1))

    def none_is_looked_through(*_: Any) -> dict[str, int]:
        pytest.fail("a manifest was read")

    monkeypatch.setattr(expiry, "entries_of", none_is_looked_through)
    assert expired(lake).files == 2
    assert_readers_agree(lake.table, numbered(0, 3))


def test_nothing_to_do_changes_nothing(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    before = lake.table.metadata_location
    assert expired(lake) == Cleaning()
    assert expired(lake, MaintenanceSettings()) == Cleaning()
    assert lake.table.metadata_location == before


def test_young_snapshots_and_the_newest_of_a_branch_stay(lake: Lake) -> None:
    for first in range(4):
        lake.append(numbered(first, 1))
    one, two, three, _ = ids(lake.table)
    assert chosen(lake.table, snapshot_days=11) == set()
    assert chosen(lake.table, snapshot_days=9) == {one, two, three}
    assert chosen(lake.table, snapshot_days=9, snapshots_kept=3) == {one}


def test_properties_of_the_table_go_first(lake: Lake) -> None:
    for first in range(3):
        lake.append(numbered(first, 1))
    one, two, _ = ids(lake.table)
    with lake.table.transaction() as transaction:
        transaction.set_properties({"history.expire.min-snapshots-to-keep": "2"})
    assert chosen(lake.table) == {one}
    with lake.table.transaction() as transaction:
        transaction.set_properties({"history.expire.max-snapshot-age-ms": str(11 * DAY_MS)})
    assert chosen(lake.table, snapshot_days=1) == set()
    assert two in ids(lake.table)


def test_tags_and_branches_keep_what_they_name(lake: Lake) -> None:
    kept = lake.append(numbered(0, 1))
    lake.change(lambda _: Change(remove=(kept,)))
    lake.append(numbered(1, 1))
    one, two, three = ids(lake.table)
    lake.table.manage_snapshots().create_tag(one, "audit").commit()
    assert chosen(lake.table) == {two}
    assert expired(lake).snapshots == 1
    assert set(ids(lake.table)) == {one, three}
    assert len(lake.on_disk()) == 2
    assert lake.table.scan(snapshot_id=one).to_arrow().to_pylist() == numbered(0, 1)


def test_a_tag_over_its_age_goes_and_what_it_kept_with_it(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    lake.append(numbered(1, 1))
    one, two = ids(lake.table)
    lake.table.manage_snapshots().create_tag(one, "old", max_ref_age_ms=1).commit()
    lake.table.manage_snapshots().create_tag(two, "new", max_ref_age_ms=10_000_000).commit()
    time.sleep(0.01)
    expired(lake)
    assert set(lake.table.metadata.refs) == {"main", "new"}
    assert ids(lake.table) == [two]


def test_a_file_that_cannot_be_deleted_is_named_and_left(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    first = lake.append(numbered(0, 1))
    lake.change(lambda _: Change(remove=(first,)))
    (path,) = map(Path, lake.on_disk())
    path.unlink()
    path.mkdir()  # a directory cannot be deleted as a file, whoever we are
    expired(lake)
    assert str(path) in caplog.text
    assert_readers_agree(lake.table, [])
