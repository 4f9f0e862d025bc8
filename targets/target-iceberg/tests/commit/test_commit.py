"""What a change does to a table: files come and go in one snapshot, whose totals are true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyiceberg.manifest import DataFileContent, ManifestContent
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.table.snapshots import Operation
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import LongType
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.marker import Marker, read_marker
from target_iceberg.errors import StoreError, UnfinishedError

from tests.services.lake import (
    HURRIED,
    Lake,
    always,
    live_files,
    marker,
    position_deletes,
    write_rows,
)

if TYPE_CHECKING:
    from pyiceberg.table import Transaction


def test_an_append_adds_rows_and_marks_the_table(lake: Lake) -> None:
    orders = lake.create()
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(lake.file(orders, range(5)),)))])

    table = lake.load(orders)
    assert lake.rows(orders) == [0, 1, 2, 3, 4]
    assert read_marker(table.metadata, "nightly") == marker(1)
    assert read_marker(table.metadata, "another") is None
    summary = table.current_snapshot().summary
    assert summary.operation == Operation.APPEND
    assert summary["total-records"] == "5"
    assert summary["total-data-files"] == "1"
    assert summary["dativo.epoch"] == "1"
    assert summary["dativo.state-hash"] == "hash-1"


def test_position_deletes_take_rows_away(lake: Lake) -> None:
    orders = lake.create()
    first = lake.file(orders, range(5))
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(first,)))])
    change = Change(
        add=(lake.file(orders, [10, 11]),),
        deletes=(position_deletes(lake.load(orders), first, [0, 3]),),
        requires_live=frozenset({first.file_path}),
    )
    commit_tables(lake.catalog, marker(2), [always(orders, change)])

    table = lake.load(orders)
    assert lake.rows(orders) == [1, 2, 4, 10, 11]
    summary = table.current_snapshot().summary
    assert summary.operation == Operation.OVERWRITE
    assert (summary["total-records"], summary["total-position-deletes"]) == ("7", "2")
    assert (summary["total-delete-files"], summary["added-position-delete-files"]) == ("1", "1")
    contents = [each.content for each in table.current_snapshot().manifests(table.io)]
    assert sorted(contents) == [ManifestContent.DATA, ManifestContent.DATA, ManifestContent.DELETES]
    assert len(table.metadata.snapshots) == 2


def test_deletes_alone_are_a_delete(lake: Lake) -> None:
    orders = lake.create()
    first = lake.file(orders, range(3))
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(first,)))])
    deletes = position_deletes(lake.load(orders), first, [1])
    commit_tables(lake.catalog, marker(2), [always(orders, Change(deletes=(deletes,)))])
    assert lake.rows(orders) == [0, 2]
    assert lake.load(orders).current_snapshot().summary.operation == Operation.DELETE


def test_everything_is_replaced_at_one_instant(lake: Lake) -> None:
    orders = lake.create()
    first = lake.file(orders, range(5))
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(first, lake.file(orders, [7]))))])
    deletes = position_deletes(lake.load(orders), first, [0])
    commit_tables(lake.catalog, marker(2), [always(orders, Change(deletes=(deletes,)))])
    new = lake.file(orders, [100])
    commit_tables(
        lake.catalog,
        marker(3),
        [TableCommit(orders, lambda table: Change(add=(new,), remove=tuple(live_files(table))))],
    )

    table = lake.load(orders)
    assert lake.rows(orders) == [100]
    assert [each.file_path for each in live_files(table)] == [new.file_path]
    summary = table.current_snapshot().summary
    assert (summary["deleted-data-files"], summary["removed-delete-files"]) == ("2", "1")
    totals = ("total-records", "total-data-files", "total-delete-files", "total-position-deletes")
    assert [summary[name] for name in totals] == ["1", "1", "0", "0"]
    assert summary["total-files-size"] == str(new.file_size_in_bytes)


def test_of_a_manifest_only_what_goes_is_marked_as_deleted(lake: Lake) -> None:
    orders = lake.create()
    files = [lake.file(orders, [n]) for n in range(3)]
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=tuple(files)))])
    before = lake.load(orders).current_snapshot()
    commit_tables(lake.catalog, marker(2), [always(orders, Change(remove=(files[1],)))])

    table = lake.load(orders)
    assert lake.rows(orders) == [0, 2]
    [manifest] = table.current_snapshot().manifests(table.io)
    assert (manifest.existing_files_count, manifest.deleted_files_count) == (2, 1)
    entries = manifest.fetch_manifest_entry(table.io)
    assert {entry.snapshot_id for entry in entries} == {before.snapshot_id}
    assert {entry.sequence_number for entry in entries} == {before.sequence_number}


def test_compaction_keeps_the_rows_and_says_so(lake: Lake) -> None:
    orders = lake.create()
    small = [lake.file(orders, [n]) for n in range(3)]
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=tuple(small)))])
    merged = lake.file(orders, range(3))
    change = Change(add=(merged,), remove=tuple(small), replace=True, data_sequence_number=1)
    commit_tables(lake.catalog, None, [always(orders, change)])

    table = lake.load(orders)
    assert lake.rows(orders) == [0, 1, 2]
    assert table.current_snapshot().summary.operation == Operation.REPLACE
    assert table.current_snapshot().summary["total-records"] == "3"
    assert read_marker(table.metadata, "nightly") == marker(1)
    [entry] = [
        entry
        for manifest in table.current_snapshot().manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io)
    ]
    assert (entry.sequence_number, entry.file_sequence_number) == (1, 2)


def test_a_change_of_the_schema_rides_with_the_rows(lake: Lake) -> None:
    orders = lake.create()

    def add_city(transaction: Transaction) -> None:
        with transaction.update_schema() as schema:
            schema.add_column("population", LongType())

    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(lake.file(orders, [1]),)))])
    change = Change(add=(lake.file(orders, [2]),), evolve=add_city, properties={"owner": "sales"})
    commit_tables(lake.catalog, marker(2), [always(orders, change)])

    table = lake.load(orders)
    assert lake.rows(orders) == [1, 2]
    assert table.schema().column_names == ["id", "name", "population"]
    assert table.current_snapshot().schema_id == table.schema().schema_id == 1
    assert table.properties["owner"] == "sales"


def test_without_files_there_is_no_snapshot(lake: Lake) -> None:
    orders = lake.create()
    commit_tables(lake.catalog, marker(1), [always(orders, Change(properties={"owner": "sales"}))])
    table = lake.load(orders)
    assert table.current_snapshot() is None
    assert read_marker(table.metadata, "nightly") == marker(1)
    assert table.properties["owner"] == "sales"


def test_with_nothing_to_do_not_even_the_marker_moves(lake: Lake) -> None:
    orders = lake.create()
    before = lake.load(orders).metadata_location
    commit_tables(lake.catalog, marker(1), [TableCommit(orders, lambda _: None)])
    assert lake.load(orders).metadata_location == before


def test_the_snapshot_gets_the_id_that_was_chosen(lake: Lake) -> None:
    orders = lake.create()
    change = Change(add=(lake.file(orders, [1]),))
    commit_tables(lake.catalog, marker(1), [always(orders, change)], snapshot_ids={orders: 4711})
    assert lake.load(orders).current_snapshot().snapshot_id == 4711


def test_a_branch_begins_at_main_and_leaves_it_alone(lake: Lake) -> None:
    orders = lake.create()
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(lake.file(orders, [1]),)))])
    for epoch in (2, 3):
        change = Change(add=(lake.file(orders, [epoch]),))
        commit_tables(lake.catalog, marker(epoch), [always(orders, change)], branch="audit")
    assert lake.rows(orders) == [1]
    assert lake.rows(orders, "audit") == [1, 2, 3]
    assert read_marker(lake.load(orders).metadata, "nightly") == marker(3)


def test_a_branch_of_an_empty_table(lake: Lake) -> None:
    orders = lake.create()
    change = Change(add=(lake.file(orders, [1]),))
    commit_tables(lake.catalog, marker(1), [always(orders, change)], branch="audit")
    assert lake.rows(orders) == []
    assert lake.rows(orders, "audit") == [1]


def test_how_long_a_branch_is_kept_stays_as_it_is(lake: Lake) -> None:
    orders = lake.create()
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(lake.file(orders, [1]),)))])
    table = lake.load(orders)
    head = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_branch(head, "audit", min_snapshots_to_keep=7).commit()
    change = Change(add=(lake.file(orders, [2]),))
    commit_tables(lake.catalog, marker(2), [always(orders, change)], branch="audit")
    assert lake.load(orders).refs()["audit"].min_snapshots_to_keep == 7


def test_files_of_two_partition_specs_in_one_commit(lake: Lake) -> None:
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "id"), spec_id=0)
    orders = lake.create(partition_spec=spec)
    table = lake.load(orders)
    old = write_rows(table, [{"id": 1, "name": "a"}], partition=Record(1))
    with table.update_spec() as update:
        update.remove_field("id")
    new = write_rows(lake.load(orders), [{"id": 2, "name": "b"}], partition=Record(None))
    assert (old.spec_id, new.spec_id) == (0, 1)
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(new, old)))])
    assert lake.rows(orders) == [1, 2]
    commit_tables(lake.catalog, marker(2), [always(orders, Change(remove=(old,)))])
    assert lake.rows(orders) == [2]


def test_two_tables_get_it_together(lake: Lake) -> None:
    orders, lines = lake.create("orders"), lake.create("lines")
    commits = [always(each, Change(add=(lake.file(each, [1, 2]),))) for each in (orders, lines)]
    commit_tables(lake.catalog, marker(1), commits)
    assert lake.rows(orders) == lake.rows(lines) == [1, 2]
    assert read_marker(lake.load(lines).metadata, "nightly") == marker(1)


def test_a_file_that_has_to_be_live_is_missed(lake: Lake) -> None:
    orders = lake.create()
    gone = lake.file(orders, [1])
    before = lake.load(orders).metadata_location
    for change in (
        Change(remove=(gone,)),
        Change(add=(lake.file(orders, [2]),), requires_live=frozenset({gone.file_path})),
    ):
        with pytest.raises(StoreError, match="no longer part of the table") as failure:
            commit_tables(lake.catalog, marker(1), [always(orders, change)], limits=HURRIED)
        assert not isinstance(failure.value, UnfinishedError)
    assert lake.load(orders).metadata_location == before


def test_a_long_state_is_kept_by_its_hash_alone(lake: Lake) -> None:
    orders = lake.create()
    long = Marker("nightly", 1, "h", '"' + "ä" * 9000 + '"')
    commit_tables(lake.catalog, long, [always(orders, Change())])
    assert read_marker(lake.load(orders).metadata, "nightly") == Marker("nightly", 1, "h", None)


def test_a_damaged_marker_is_named(lake: Lake) -> None:
    orders = lake.create()
    lake.load(orders).transaction().set_properties({"dativo.state.nightly": "[]"}).commit_transaction()
    with pytest.raises(StoreError, match=r"dativo\.state\.nightly .* is damaged"):
        commit_tables(lake.catalog, marker(1), [always(orders, Change())])


def test_another_format_version_is_refused(lake: Lake) -> None:
    lake.options["format-version"] = "1"
    orders = lake.create()
    with pytest.raises(StoreError, match="has format version 1"):
        commit_tables(lake.catalog, marker(1), [always(orders, Change())])


def test_a_missing_table_is_an_error_at_once(lake: Lake) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        commit_tables(lake.catalog, marker(1), [always((lake.namespace, "nowhere"), Change())])


def test_delete_files_stand_in_manifests_of_deletes(lake: Lake) -> None:
    """A delete file in a manifest of data would be read as rows."""
    orders = lake.create()
    first = lake.file(orders, range(3))
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(first,)))])
    deletes = position_deletes(lake.load(orders), first, [1])
    commit_tables(lake.catalog, marker(2), [always(orders, Change(deletes=(deletes,)))])
    table = lake.load(orders)
    for manifest in table.current_snapshot().manifests(table.io):
        kinds = {entry.data_file.content for entry in manifest.fetch_manifest_entry(table.io)}
        expected = (
            DataFileContent.DATA
            if manifest.content == ManifestContent.DATA
            else DataFileContent.POSITION_DELETES
        )
        assert kinds == {expected}
