"""Which files are searched for keys, and that equal keys are found whatever holds them."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, IdentityTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)
from target_iceberg.commit.change import Change
from target_iceberg.upsert.errors import UnreadableTableError
from target_iceberg.upsert.key_ranges import KeyRanges
from target_iceberg.upsert.live_files import live_files
from target_iceberg.upsert.probe import ProbeLimits, find_hits

from .lake import make_lake, staged

KINDS = [
    (BooleanType(), pa.bool_(), [True, False]),
    (IntegerType(), pa.int32(), [1, -7]),
    (LongType(), pa.int64(), [2**62, -1]),
    (DecimalType(9, 2), pa.decimal128(9, 2), [Decimal("1.50"), Decimal("-1.50")]),
    (DecimalType(38, 0), pa.decimal128(38, 0), [Decimal(10**37), Decimal(-1)]),
    (StringType(), pa.string(), ["", "é" * 20 + "x"]),
    (BinaryType(), pa.binary(), [b"", b"\xff\x00"]),
    (DateType(), pa.date32(), [dt.date(1960, 1, 1), dt.date(2024, 1, 1)]),
    (TimeType(), pa.time64("us"), [dt.time(0), dt.time(23, 59, 59, 1)]),
    (TimestampType(), pa.timestamp("us"), [dt.datetime(1960, 1, 1), dt.datetime(2024, 1, 1, 0, 0, 1)]),  # noqa: DTZ001
    (TimestamptzType(), pa.timestamp("us", "UTC"), [dt.datetime(1960, 1, 1, tzinfo=dt.UTC)] * 1),
    (DoubleType(), pa.float64(), [0.0, -1.5]),
    (UUIDType(), pa.binary(16), [UUID(int=1).bytes, UUID(int=2**127).bytes]),
]


def key_schema(*kinds):
    return Schema(
        *(NestedField(at + 1, f"k{at}", kind, required=True) for at, kind in enumerate(kinds)),
        NestedField(50, "v", StringType(), required=False),
    )


def rows_of(arrays, value):
    names = [f"k{at}" for at in range(len(arrays))]
    return pa.table([*arrays, pa.array([value] * len(arrays[0]))], names=[*names, "v"])


def integers(numbers, value="x", **more):
    return pa.table({"k0": pa.array(numbers, pa.int64()), "v": [value] * len(numbers), **more})


def log_of(lake, rows, ids=(1,), columns=None):
    from target_iceberg.upsert.key_log import KeyLog

    log = KeyLog(columns or lake.key_columns(ids))
    log.rows("new", rows, 0)
    return staged(log)[1]


def search(lake, rows, **limits):
    table = lake.table
    files = live_files(table, table.current_snapshot())
    return find_hits(table, lake.key_columns((1,)), log_of(lake, rows), files, ProbeLimits(**limits))


@pytest.mark.parametrize(
    ("kind", "arrow", "values"), KINDS, ids=lambda each: None if isinstance(each, list) else str(each)
)
def test_a_key_of_every_type_is_found(tmp_path, kind, arrow, values):
    lake = make_lake(tmp_path, key_schema(kind))
    rows = rows_of([pa.array(values, arrow)], "old")
    lake.append(rows)
    lake.upsert(rows_of([pa.array(values[:1], arrow)], "new"))
    assert [row["v"] for row in lake.rows("v")] == sorted(["new", *["old"] * (len(values) - 1)])


def test_a_key_of_all_types_together_is_found(tmp_path):
    lake = make_lake(tmp_path, key_schema(*(kind for kind, _, _ in KINDS)))
    both = [pa.array([values[0], values[-1]], arrow) for _, arrow, values in KINDS]
    lake.append(rows_of(both, "old"))
    lake.upsert(rows_of([each.slice(1) for each in both], "new"), ids=tuple(range(1, len(KINDS) + 1)))
    assert [row["v"] for row in lake.rows("v")] == ["new", "old"]


@pytest.mark.parametrize(
    ("narrow", "wide", "values"),
    [
        (IntegerType(), LongType(), [1, 2]),
        (FloatType(), DoubleType(), [1.5, -0.0]),
        (DecimalType(5, 2), DecimalType(30, 2), [Decimal("1.00"), Decimal("999.99")]),
    ],
    ids=str,
)
def test_a_key_that_was_narrower_is_the_same(tmp_path, narrow, wide, values):
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    lake = make_lake(tmp_path, key_schema(narrow))
    schemas = [schema_to_pyarrow(Schema(NestedField(1, "k0", each))) for each in (narrow, wide)]
    before, after = (each.field(0).type for each in schemas)
    lake.append(rows_of([pa.array(values, before)], "old"))
    with lake.table.update_schema() as update:
        update.update_column("k0", wide)
    lake.upsert(rows_of([pa.array(values[1:], after)], "new"))
    assert [row["v"] for row in lake.rows("v")] == ["new", "old"]


def test_a_key_may_become_wider_with_the_epoch_that_brings_it(tmp_path):
    """The table still has the narrow type when the commit is planned."""
    lake = make_lake(tmp_path, key_schema(DecimalType(5, 2)))
    lake.append(rows_of([pa.array([Decimal("1.00")], pa.decimal128(5, 2))], "old"))
    table = lake.table
    wide = lake.key_columns((1,)).at_least([pa.decimal128(12, 2)])
    epoch = rows_of([pa.array([Decimal("1.00"), Decimal("123456789.00")], pa.decimal128(12, 2))], "new")
    keys = log_of(lake, epoch, columns=wide)
    columns = lake.key_columns((1,)).at_least(keys.types)
    files = live_files(table, table.current_snapshot())
    assert find_hits(table, columns, keys, files, ProbeLimits()).count == 1


def test_files_and_row_groups_that_cannot_have_a_key_are_not_read(tmp_path):
    lake = make_lake(tmp_path, key_schema(LongType()))
    files = lake.append(*(integers(range(first, first + 100)) for first in (0, 100, 1000)))
    hits = search(lake, integers([50, 1050]))
    assert (hits.count, hits.searched, hits.skipped) == (2, 2, 1)
    assert set(hits.files) == {files[0].file_path, files[2].file_path}
    assert search(lake, integers([500])).searched == 0


def test_a_file_without_bounds_is_read(tmp_path):
    lake = make_lake(tmp_path, key_schema(LongType()), **{"write.metadata.metrics.default": "none"})
    lake.append(integers([1, 2, 3]))
    hits = search(lake, integers([2, 9]))
    assert (hits.count, hits.searched) == (1, 1)


def test_row_groups_keep_their_positions_when_others_are_skipped(tmp_path):
    lake = make_lake(tmp_path, key_schema(LongType()))
    rows = integers(range(100))
    (file,) = lake.append(rows, group_rows=10)
    assert parquet.ParquetFile(file.file_path.removeprefix("file://")).num_row_groups == 10
    hits = search(lake, integers([35, 99]))
    assert hits.files[file.file_path].positions().to_pylist() == [35, 99]


def test_keys_that_do_not_fit_memory_are_looked_for_in_turns(tmp_path, monkeypatch):
    from target_iceberg.upsert import key_log

    monkeypatch.setattr(key_log, "_SLICE_ROWS", 100)
    lake = make_lake(tmp_path, key_schema(LongType()))
    (file,) = lake.append(integers(range(1000)))
    hits = search(lake, integers(range(0, 1000, 2)), memory_bytes=1)
    assert hits.searched == 5
    assert hits.files[file.file_path].positions().to_pylist() == list(range(0, 1000, 2))


def test_many_files_are_searched_by_several_threads(tmp_path):
    lake = make_lake(tmp_path, key_schema(LongType()))
    lake.append(*(integers([at, at + 1000]) for at in range(40)))
    hits = search(lake, integers([1, 1039]), threads=3)
    assert sorted(each.positions().to_pylist() for each in hits.files.values()) == [[0], [1]]


def test_a_table_that_gets_its_key_column_with_the_epoch_has_no_such_key(tmp_path):
    lake = make_lake(tmp_path, Schema(NestedField(50, "v", StringType(), required=False)))
    lake.append(pa.table({"v": ["a", "b"]}))
    with lake.table.update_schema() as update:
        update.add_column("k0", LongType())
    field = lake.table.schema().find_field("k0").field_id
    lake.upsert(integers([1]), ids=(field,))
    assert [row["v"] for row in lake.rows("v")] == ["a", "b", "x"]


@pytest.mark.parametrize("transform", [BucketTransform(8), IdentityTransform()], ids=str)
def test_only_buckets_of_the_epoch_are_searched(tmp_path, transform):
    schema = key_schema(LongType())
    spec = PartitionSpec(PartitionField(1, 1000, transform, "p"))
    lake = make_lake(tmp_path, schema, spec)
    place = transform.transform(LongType())
    keys = range(1, 41)
    by_place = {}
    for key in keys:
        by_place.setdefault(place(key), []).append(key)
    files = [lake.write_file(integers(each, "old"), partition=(at,)) for at, each in by_place.items()]
    lake.commit(Change(add=tuple(files)))
    lake.upsert(integers([7], "new"), partitions=[(place(7),)])
    assert [row["k0"] for row in lake.rows("k0") if row["v"] == "new"] == [7]
    assert len(lake.rows("k0")) == 40


def test_a_bucket_that_another_writer_left_unknown_is_searched(tmp_path):
    """PyIceberg 0.12 takes 0 for null when it chooses a bucket."""
    spec = PartitionSpec(PartitionField(1, 1000, BucketTransform(8), "p"))
    schema = Schema(NestedField(1, "k0", LongType()), NestedField(50, "v", StringType()))
    lake = make_lake(tmp_path, schema, spec)
    lake.append(integers([0, 1], "old"), partition=(None,))
    lake.upsert(integers([0], "new"), partitions=[(3,)])
    assert [row["v"] for row in lake.table.scan().to_arrow().sort_by("k0").to_pylist()] == ["new", "old"]


def test_a_deleted_key_is_searched_in_every_bucket(tmp_path):
    transform = BucketTransform(8)
    spec = PartitionSpec(PartitionField(1, 1000, transform, "p"))
    lake = make_lake(tmp_path, key_schema(LongType()), spec)
    place = transform.transform(LongType())
    for key in (1, 2, 3):
        lake.append(integers([key]), partition=(place(key),))
    lake.upsert(integers([1], "new"), deleted=[integers([2, 3])], partitions=[(place(1),)])
    assert [(row["k0"], row["v"]) for row in lake.rows("k0")] == [(1, "new")]


def test_a_file_that_is_missing_is_named(tmp_path):
    lake = make_lake(tmp_path, key_schema(LongType()))
    (file,) = lake.append(integers([1]))
    Path(file.file_path.removeprefix("file://")).unlink()
    with pytest.raises(UnreadableTableError, match=file.file_path):
        search(lake, integers([1]))


def test_ranges_know_where_nothing_is():
    ranges = KeyRanges()
    ranges.add(pa.record_batch({"a": [1, 100], "b": [b"x", b"y"]}))
    ranges.add(pa.record_batch({"a": [50, 50], "b": [b"x", b"y"]}))
    assert ranges.may_have(0, 40, 60)
    assert ranges.may_have(0, 100, 200)
    assert not ranges.may_have(0, 51, 99)
    assert not ranges.may_have(0, None, 0)
    assert not ranges.may_have(0, 101, None)
    assert ranges.may_have(0, None, 70)
    assert ranges.may_have(0, None, None)
    assert ranges.may_have(1, b"a", b"b"), "binary has no order that all writers share"


def test_of_many_keys_the_ends_are_known(monkeypatch):
    from target_iceberg.upsert import key_ranges

    monkeypatch.setattr(key_ranges, "_SORTED_BYTES", 100)
    ranges = KeyRanges()
    for first in (0, 1000):
        ranges.add(pa.record_batch({"a": pa.array(range(first, first + 100), pa.int64())}))
    assert ranges.may_have(0, 500, 600)
    assert not ranges.may_have(0, 1100, 1200)
    assert not ranges.may_have(0, -5, -1)


def test_limits_are_those_of_the_settings(tmp_path):
    lake = make_lake(tmp_path, key_schema(LongType()))
    lake.settings = replace(lake.settings, limits=ProbeLimits(memory_bytes=1, threads=1))
    lake.append(integers([1, 2, 3, 4]))
    lake.upsert(integers([1], "new"))
    assert [row["v"] for row in lake.rows("k0")] == ["new", "x", "x", "x"]
