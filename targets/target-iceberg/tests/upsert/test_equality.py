"""Equality deletes, where finding rows would read too much; read back by DuckDB, as PyIceberg cannot."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.manifest import DataFileContent
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    DateType,
    DecimalType,
    DoubleType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
    UUIDType,
)
from target_iceberg.commit.change import Change
from target_iceberg.maintenance.by_position import find_deleted_rows
from target_iceberg.maintenance.settings import MaintenanceSettings
from target_iceberg.maintenance.upkeep import inline_upkeep
from target_iceberg.upsert.equality import spec_of_all
from target_iceberg.upsert.versions import ActivatedVersion

from .lake import NAME, make_lake
from .versioned import SCHEMA, rows

BY_REGION = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "v"))


def blind(lake, budget=0):
    """Let a lake read so many bytes at most to find rows."""
    lake.settings = replace(lake.settings, probe_bytes=budget)
    return lake


@pytest.fixture
def lake(tmp_path):
    return blind(make_lake(tmp_path, SCHEMA))


def values(lake):
    seen = {row["id"]: row["v"] for row in lake.rows()}
    assert len(seen) == len(lake.rows())
    return seen


def contents(change):
    return [file.content for file in change.deletes]


def test_keys_are_written_down_and_older_rows_of_them_go(lake):
    lake.append(rows(range(10)))
    lake.upsert(rows([3, 20], "new"))
    (delete,) = lake.changes[-1].deletes
    assert (delete.content, delete.equality_ids, delete.record_count) == (
        DataFileContent.EQUALITY_DELETES,
        [1],
        2,
    )
    written = parquet.read_table(delete.file_path.removeprefix("file://"))
    assert written.column("id").to_pylist() == [3, 20]
    assert written.schema.field("id").metadata[b"PARQUET:field_id"] == b"1"
    assert values(lake) == {**dict.fromkeys(range(10), "old"), 3: "new", 20: "new"}
    summary = lake.table.current_snapshot().summary
    assert summary["total-equality-deletes"] == "2"
    assert summary["dativo.keys-deleted"] == "2"


def test_pyiceberg_refuses_such_a_table(lake):
    """The day it reads them, the documentation is to be changed."""
    lake.append(rows(range(10)))
    lake.upsert(rows([3], "new"))
    with pytest.raises(ValueError, match="equality deletes"):
        lake.table.scan().to_arrow()


def test_within_the_budget_rows_are_found(lake):
    lake.append(rows(range(100)))
    blind(lake, 1 << 20).upsert(rows([3], "new"))
    assert contents(lake.changes[-1]) == [DataFileContent.POSITION_DELETES]


def test_files_whose_bounds_leave_no_room_cost_nothing(lake):
    lake.append(rows(range(100)))
    lake.upsert(rows([100], "new"))
    assert not lake.changes[-1].deletes


def test_rows_overtaken_within_the_epoch_go_by_position(lake):
    lake.append(rows([1, 2]))
    lake.upsert(rows(range(1, 11), "first"), rows([1, 3], "last"))
    assert contents(lake.changes[-1]) == [
        DataFileContent.POSITION_DELETES,
        DataFileContent.EQUALITY_DELETES,
    ]
    assert values(lake) == {**dict.fromkeys(range(1, 11), "first"), 1: "last", 3: "last"}


def test_deletions_and_a_key_that_comes_again_later(lake):
    lake.append(rows([1, 2, 3]))
    lake.upsert(deleted=[rows([1, 2])])
    assert values(lake) == {3: "old"}
    lake.upsert(rows([1], "again"))
    assert values(lake) == {1: "again", 3: "old"}
    blind(lake, None).upsert(rows([1, 3], "found"))
    assert values(lake) == {1: "found", 3: "found"}


def test_a_file_is_not_written_anew_beside_keys_that_shall_apply_to_it(lake):
    """Its copy would be as young as the keys, which only apply to older rows."""
    mixed = pa.concat_tables([rows(range(4), version=1), rows(range(4, 8), version=3)])
    lake.append(mixed)
    active = ActivatedVersion(3, 2)
    lake.upsert(rows([5], "new", version=3), active=active)
    assert not lake.changes[-1].remove
    assert values(lake) == {4: "old", 5: "new", 6: "old", 7: "old"}


def test_a_row_moves_between_partitions(tmp_path):
    """The keys apply to all partitions: they are under a spec without any, which the table gets for them."""
    lake = blind(make_lake(tmp_path, SCHEMA, BY_REGION))
    lake.append(rows([1, 2], "eu"), partition=("eu",))
    lake.append(rows([3], "us"), partition=("us",))
    lake.upsert(rows([1, 3], "asia"), partitions=[("asia",)])
    assert values(lake) == {1: "asia", 2: "eu", 3: "asia"}
    assert lake.table.spec().fields == BY_REGION.fields, "rows to come are partitioned as before"
    lake.upsert(rows([1], "eu"), partitions=[("eu",)])
    assert values(lake) == {1: "eu", 2: "eu", 3: "asia"}
    assert len(lake.table.specs()) == 2, "the spec without partitions is used again"
    blind(lake, None).upsert(rows([2], "us"), partitions=[("us",)])
    assert values(lake) == {1: "eu", 2: "us", 3: "asia"}


def test_the_spec_of_all_is_new_only_where_there_is_none(tmp_path):
    table = make_lake(tmp_path, SCHEMA, BY_REGION).table
    assert spec_of_all(table)[0] == 1
    assert spec_of_all(table, PartitionSpec(*BY_REGION.fields, spec_id=4))[0] == 5
    assert spec_of_all(table, PartitionSpec(spec_id=3)) == (3, None), "the same commit brings it"


KINDS = {
    StringType(): (pa.string(), ["a", "ä" * 40, ""]),
    DecimalType(12, 2): (pa.decimal128(12, 2), [Decimal("1.00"), Decimal("-9.99"), Decimal("0.00")]),
    DecimalType(30, 2): (pa.decimal128(30, 2), [Decimal("1.00"), Decimal("-9.99"), Decimal("0.00")]),
    UUIDType(): (pa.binary(16), [UUID(int=at).bytes for at in (1, 2, 1 << 100)]),
    DateType(): (pa.date32(), [0, 1, -20_000]),
    TimestamptzType(): (pa.timestamp("us", "UTC"), [0, 1, -1]),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_keys_of_every_type_and_of_two_columns(tmp_path, kind):
    schema = Schema(
        NestedField(1, "k", kind, required=True),
        NestedField(2, "id", LongType(), required=True),
        NestedField(3, "v", StringType(), required=False),
    )
    lake = blind(make_lake(tmp_path, schema))
    arrow, keys = KINDS[kind]

    def rows_of(keys, value):
        columns = {"k": pa.array(keys, arrow), "id": pa.array([7] * len(keys), pa.int64())}
        return pa.table(columns | {"v": [value] * len(keys)})

    lake.append(rows_of(keys, "old"))
    lake.upsert(rows_of(keys[1:2], "new"), ids=(1, 2))
    assert sorted(row["v"] for row in lake.rows()) == ["new", "old", "old"]
    assert lake.has_equality_deletes


def test_floats_are_always_looked_for(tmp_path):
    schema = Schema(
        NestedField(1, "k", DoubleType(), required=True), NestedField(2, "id", LongType(), required=False)
    )
    lake = blind(make_lake(tmp_path, schema))
    lake.append(pa.table({"k": [0.0, 1.0, 2.0, 3.0], "id": [1, 2, 3, 4]}))
    lake.upsert(pa.table({"k": [-0.0], "id": [5]}))
    assert contents(lake.changes[-1]) == [DataFileContent.POSITION_DELETES]
    assert sorted(row["id"] for row in lake.rows("id")) == [2, 3, 4, 5]


def test_a_second_attempt_uses_the_same_keys(lake):
    (first,) = lake.append(rows(range(50)))
    lake.append(rows(range(50, 100)))
    copied = []

    def meddle(table):
        if not copied:
            copied.append(lake.write_file(rows(range(50))))
            lake.commit(Change(add=(copied[0],), remove=(first,)))

    lake.upsert(rows([1], "new"), before_commit=meddle)
    attempts = [change.deletes[0] for change in lake.changes if change.deletes]
    assert len(attempts) == 2
    assert attempts[0].file_path == attempts[1].file_path
    assert Path(attempts[0].file_path.removeprefix("file://")).exists()
    assert values(lake)[1] == "new"


def test_maintenance_turns_keys_into_positions_and_every_reader_reads_again(lake):
    lake.append(rows(range(50)), rows(range(50, 100)))
    lake.upsert(rows([1, 51], "new"))
    lake.upsert(rows([1, 2, 200], "newer"))
    lake.upsert(deleted=[rows([60])])
    expected = values(lake)
    assert find_deleted_rows(lake.catalog, NAME) == 3
    assert not lake.has_equality_deletes
    assert values(lake) == expected
    assert lake.table.current_snapshot().summary.operation.value == "replace"
    assert find_deleted_rows(lake.catalog, NAME) == 0
    assert {row["id"] for row in lake.rows() if row["v"] == "newer"} == {1, 2, 200}


@pytest.mark.parametrize("enough", [True, False])
def test_a_run_turns_them_beside_its_load_where_there_is_little_to_search(lake, enough):
    (file,) = lake.append(rows(range(50)))
    lake.upsert(rows([1], "new"))
    expected = values(lake)
    mib = MaintenanceSettings(small_files=100, inline_rewrite_mb=int(enough))
    assert file.file_size_in_bytes < mib.inline_rewrite_bytes or not enough
    inline_upkeep(lake.catalog, NAME, mib)
    assert lake.has_equality_deletes is not enough
    assert values(lake) == expected


def test_what_is_too_much_to_search_is_left(lake):
    (file,) = lake.append(rows(range(50)))
    lake.upsert(rows([1], "new"))
    less = file.file_size_in_bytes - 1
    assert find_deleted_rows(lake.catalog, NAME, at_most=less) == 0
    assert lake.has_equality_deletes
    assert find_deleted_rows(lake.catalog, NAME, at_most=less + 1) == 1
    assert not lake.has_equality_deletes


def test_keys_that_may_be_null_stay_as_they_are(tmp_path, caplog):
    schema = Schema(
        NestedField(1, "id", LongType(), required=False), NestedField(2, "v", StringType(), required=False)
    )
    lake = blind(make_lake(tmp_path, schema))
    lake.append(rows(range(10)).select(["id", "v"]))
    lake.upsert(rows([3], "new").select(["id", "v"]))
    assert find_deleted_rows(lake.catalog, NAME) == 0
    assert lake.has_equality_deletes
    assert "such equality deletes cannot be turned" in caplog.text
    assert values(lake)[3] == "new"
