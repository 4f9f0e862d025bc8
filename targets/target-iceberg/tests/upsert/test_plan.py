"""How rows are made to go: delete files, copies, and what is used again when a commit is tried again."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DecimalType, ListType, LongType, NestedField, StringType, StructType
from target_iceberg.commit.change import Change
from target_iceberg.upsert.delete_files import PATH_ID
from target_iceberg.upsert.errors import UnreadableTableError
from target_iceberg.upsert.key_log import KeyLog
from target_iceberg.upsert.live_files import live_files
from target_iceberg.upsert.planner import EpochRows, UpsertPlanner
from target_iceberg.upsert.rewrite import rewrite_without
from target_iceberg.upsert.versions import ActivatedVersion

from .lake import make_lake, staged
from .versioned import SCHEMA, rows, values


@pytest.fixture
def lake(tmp_path):
    return make_lake(tmp_path, SCHEMA)


def path_of(file):
    return Path(file.file_path.removeprefix("file://"))


def test_a_delete_file_is_tied_to_its_data_file_and_lies_beside_it(lake):
    (file,) = lake.append(rows(range(100)))
    lake.upsert(rows([5, 7], "new"))
    (delete,) = lake.changes[-1].deletes
    assert delete.lower_bounds[PATH_ID] == delete.upper_bounds[PATH_ID] == file.file_path.encode()
    assert (delete.content, delete.record_count) == (DataFileContent.POSITION_DELETES, 2)
    assert path_of(delete).parent == path_of(file).parent
    assert path_of(delete).stat().st_size == delete.file_size_in_bytes
    written = parquet.read_table(path_of(delete))
    assert written.to_pylist() == [{"file_path": file.file_path, "pos": at} for at in (5, 7)]
    ids = [field.metadata[b"PARQUET:field_id"] for field in written.schema]
    assert ids == [b"2147483546", b"2147483545"]


def test_many_files_of_a_partition_share_a_delete_file(tmp_path):
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "p"))
    lake = make_lake(tmp_path, SCHEMA, spec)
    lake.settings = replace(lake.settings, files_with_own_deletes=3)
    parts = [(at, "ab"[at % 2]) for at in range(6)]
    files = [
        lake.write_file(rows(range(at * 10, at * 10 + 10), name), partition=(name,)) for at, name in parts
    ]
    lake.commit(Change(add=tuple(files)))
    lake.upsert(rows([1, 11, 21, 31, 41, 51], "c"), partitions=[("c",)])
    deletes = lake.changes[-1].deletes
    assert sorted((file.partition[0], file.record_count) for file in deletes) == [("a", 3), ("b", 3)]
    assert sorted(key for key, value in values(lake).items() if value == "c") == [1, 11, 21, 31, 41, 51]
    assert len(lake.rows()) == 60
    lake.upsert(rows([1, 2], "d"), partitions=[("d",)])
    assert sorted(key for key, value in values(lake).items() if value == "d") == [1, 2]
    assert [file.record_count for file in lake.changes[-1].deletes] == [1, 1], "one in partition a, one in c"
    assert len(lake.rows()) == 60


def test_what_went_before_counts_towards_a_copy(lake):
    lake.append(rows(range(10)))
    lake.upsert(rows([0, 1], "one"))
    assert len(lake.changes[-1].deletes) == 1
    lake.upsert(rows([2, 3], "two"))
    change = lake.changes[-1]
    assert not change.deletes
    assert [file.record_count for file in change.add] == [2, 6]
    assert values(lake) == {0: "one", 1: "one", 2: "two", 3: "two", **dict.fromkeys(range(4, 10), "old")}


def test_a_copy_is_like_its_file(tmp_path):
    texts = ListType(5, StringType(), element_required=False)
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "d", DecimalType(12, 2)),
        NestedField(3, "s", StructType(NestedField(4, "x", texts))),
    )
    lake = make_lake(tmp_path, schema, **{"write.parquet.compression-codec": "gzip"})
    table = pa.table(
        {
            "id": pa.array(range(1000), pa.int64()),
            "d": pa.array([Decimal(at) for at in range(1000)], pa.decimal128(12, 2)),
            "s": [{"x": [str(at), None]} for at in range(1000)],
        }
    )
    (file,) = lake.append(table, group_rows=100)
    with lake.table.update_schema() as update:
        update.rename_column("d", "renamed")
    copy = rewrite_without(lake.table, file, pa.array([0, 999, 150], pa.int64()).sort())
    footer = parquet.read_metadata(path_of(copy))
    assert (copy.record_count, footer.num_rows) == (997, 997)
    assert copy.file_size_in_bytes == path_of(copy).stat().st_size
    assert copy.lower_bounds[1] == (1).to_bytes(8, "little")
    assert copy.null_value_counts[2] == 0
    assert footer.row_group(0).column(0).compression == "GZIP"
    assert footer.row_group(0).column(1).physical_type == "INT64"
    original, copied = (parquet.read_schema(path_of(each)) for each in (file, copy))
    assert copied.equals(original, check_metadata=True)
    lake.commit(Change(add=(copy,), remove=(file,)))
    assert [row["id"] for row in lake.rows()] == [at for at in range(1000) if at not in (0, 150, 999)]
    assert rewrite_without(lake.table, copy, pa.array(range(997), pa.int64())) is None


def test_a_file_that_does_not_know_its_columns_gets_a_delete_file(lake, tmp_path):
    """Such as those that `add_files` takes in; a copy would need the table's mapping of names again."""
    foreign = tmp_path / "foreign.parquet"
    schema = pa.schema([("id", pa.int64()), ("v", pa.string()), ("version", pa.int64())])
    parquet.write_table(rows(range(4)).cast(schema), foreign)
    with lake.table.transaction() as transaction:
        with transaction.update_schema() as update:
            update.make_column_optional("id")
        transaction.add_files([f"file://{foreign}"])
    lake.upsert(rows([0, 1, 2], "new"))
    change = lake.changes[-1]
    assert (len(change.deletes), len(change.remove)) == (1, 0)
    assert values(lake) == {0: "new", 1: "new", 2: "new", 3: "old"}


def epoch_of(lake, ids, value="new"):
    log = KeyLog(lake.key_columns((1,)))
    file = lake.write_file(rows(ids, value))
    log.rows(file.file_path, rows(ids, value), 0)
    return UpsertPlanner("s", EpochRows((file,), staged(log)[1], (1,)), lake.settings)


def test_a_second_attempt_sees_what_another_writer_has_committed(lake):
    lake.append(rows(range(100)))
    planner = epoch_of(lake, [1, 200])
    first = planner(lake.table)
    assert len(first.requires_live) == 1
    lake.upsert(rows([1, 200], "foreign"))
    lake.commit(planner)
    assert values(lake)[1] == values(lake)[200] == "new"
    assert len(lake.rows()) == 101


def test_an_attempt_that_fits_uses_what_was_written_before(lake):
    lake.append(rows(range(100)), rows(range(100, 104)))
    planner = epoch_of(lake, [1, 100, 101])
    first, second = planner(lake.table), planner(lake.table)
    assert len(first.deletes) == 1
    assert len(first.add) == 2
    assert [file.file_path for file in first.deletes] == [file.file_path for file in second.deletes]
    assert [file.file_path for file in first.add] == [file.file_path for file in second.add]


def test_a_commit_upon_files_that_have_gone_is_planned_anew(lake):
    (file,) = lake.append(rows(range(100)))
    planner = epoch_of(lake, [1])
    attempts = []

    def plan(table):
        change = planner(table)
        attempts.append(change)
        if len(attempts) == 1:  # another writer compacts the file between plan and commit
            copy = rewrite_without(lake.table, file, pa.array([], pa.int64()))
            lake.commit(Change(add=(copy,), remove=(file,), replace=True))
        return change

    lake.commit(plan)
    assert len(attempts) == 2
    assert attempts[0].requires_live != attempts[1].requires_live
    assert values(lake)[1] == "new"
    assert len(lake.rows()) == 100


def test_equality_deletes_of_another_writer_keep_their_files(lake, tmp_path):
    (file,) = lake.append(rows(range(4)))
    deleted = Path(lake.table.location().removeprefix("file://")) / "data" / "equality.parquet"
    field = pa.field("id", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "1"})
    parquet.write_table(pa.table({"id": [3]}, schema=pa.schema([field])), deleted)
    entry = DataFile.from_args(
        content=DataFileContent.EQUALITY_DELETES,
        file_path=f"file://{deleted}",
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        record_count=1,
        file_size_in_bytes=deleted.stat().st_size,
        equality_ids=[1],
    )
    entry.spec_id = 0
    lake.commit(Change(deletes=(entry,)))
    assert [each.has_equality_deletes for each in live_files(lake.table, lake.table.current_snapshot())] == [
        True
    ]
    lake.upsert(rows([0, 1], "new"))
    change = lake.changes[-1]
    assert (len(change.deletes), len(change.remove)) == (1, 0), "a copy would bring the row with id 3 back"


def test_deletes_of_a_newer_format_are_refused(lake):
    (file,) = lake.append(rows(range(4)))
    entry = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path="file:///nowhere.puffin",
        file_format=FileFormat.PUFFIN,
        partition=file.partition,
        record_count=1,
        file_size_in_bytes=1,
    )
    entry.spec_id = 0
    lake.commit(Change(deletes=(entry,)))
    with pytest.raises(UnreadableTableError, match=r"nowhere.puffin: deletes in a file of format"):
        live_files(lake.table, lake.table.current_snapshot())


def activate(lake, version, *parts, **more):
    active = ActivatedVersion(lake.table.schema().find_field("version").field_id, version)
    lake.upsert(*parts, active=active, **more)


def test_rows_of_older_versions_go_and_so_do_those_without_one(lake):
    lake.append(rows([1, 2], version=1), rows([3], version=2), rows([4], version=None))
    activate(lake, 2, rows([5], "new", version=2))
    assert sorted(values(lake)) == [3, 5]
    change = lake.changes[-1]
    assert (len(change.remove), len(change.deletes)) == (2, 0), "their bounds say that all of them go"


def test_a_file_of_several_versions_keeps_the_rows_that_stay(lake):
    mixed = pa.concat_tables([rows(range(8), version=3), rows([8], version=1), rows([9], version=None)])
    lake.append(mixed)
    activate(lake, 2)
    assert sorted(values(lake)) == list(range(8))
    assert [file.record_count for file in lake.changes[-1].deletes] == [2]


def test_own_rows_of_older_versions_go_too(lake):
    old, new = rows(range(10), version=1), rows(range(10, 40), "new", version=2)
    activate(lake, 2, pa.concat_tables([old, new]), rows([50], version=1))
    assert sorted(values(lake)) == list(range(10, 40))


def test_a_row_goes_once_though_key_and_version_say_so(lake):
    lake.append(rows(range(10), version=5))
    lake.append(pa.concat_tables([rows([20], version=1), rows(range(21, 40), version=5)]))
    activate(lake, 3, rows([20, 21], "new", version=4))
    assert [file.record_count for file in lake.changes[-1].deletes] == [2]
    assert values(lake)[20] == values(lake)[21] == "new"


def test_a_table_without_the_column_has_only_older_rows(tmp_path):
    lake = make_lake(tmp_path, Schema(NestedField(1, "id", LongType(), required=True)))
    lake.append(pa.table({"id": pa.array([1, 2], pa.int64())}))
    active = ActivatedVersion(99, 1)
    lake.upsert(active=active)
    assert lake.rows() == []


def test_a_branch_has_its_own_rows(lake):
    lake.append(rows(range(10)))
    with lake.table.manage_snapshots() as snapshots:
        snapshots.create_branch(lake.table.current_snapshot().snapshot_id, "audit")
    planner = epoch_of(lake, [1])
    lake.upsert(rows([1], "main"))
    on_branch = UpsertPlanner("s", planner._rows, lake.settings, branch="audit")(lake.table)
    assert [file.record_count for file in on_branch.deletes] == [1]
    on_main = planner(lake.table)
    assert on_main.requires_live != on_branch.requires_live or on_main.remove
