from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_parquet.errors import LayoutError
from target_parquet.names import partition_directory
from target_parquet.partitions import Partitioning


def split(columns, batch):
    return list(Partitioning(columns, batch.schema, stream="s").split(batch, batch))


def batch_of(**columns):
    return pa.record_batch(columns)


def test_without_partition_columns_the_batch_itself_comes_back():
    batch = batch_of(a=pa.array([1, 2]))
    ((directory, rows),) = split([], batch)
    assert directory == ""
    assert rows is batch


def test_values_of_every_type_become_text():
    batch = batch_of(
        flag=pa.array([True]),
        number=pa.array([-5]),
        text=pa.array(["a/b"]),
        amount=pa.array([Decimal("1.50")], pa.decimal128(9, 2)),
        day=pa.array([date(2024, 2, 29)]),
        at=pa.array([datetime(2024, 1, 1, 12, 30, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
        naive=pa.array(["2024-01-01"]).cast(pa.timestamp("us")),
    )
    ((directory, _),) = split(batch.schema.names, batch)
    assert directory.split("/") == [
        "flag=true",
        "number=-5",
        "text=a%2Fb",
        "amount=1.50",
        "day=2024-02-29",
        "at=2024-01-01%2012%3A30%3A00.000000Z",
        "naive=2024-01-01%2000%3A00%3A00.000000",
    ]


values = st.one_of(st.none(), st.sampled_from(["", "a", "b", "a/b", "__HIVE_DEFAULT_PARTITION__"]))


@given(st.lists(st.tuples(values, st.one_of(st.none(), st.integers(-2, 2))), max_size=60))
def test_every_row_lands_in_its_directory_in_order(rows):
    batch = batch_of(
        c=pa.array([c for c, _ in rows], pa.string()),
        n=pa.array([n for _, n in rows], pa.int64()),
        row=pa.array(range(len(rows)), pa.int64()),
    )
    expected = defaultdict(list)
    for row, (c, n) in enumerate(rows):
        path = f"{partition_directory('c', c)}/{partition_directory('n', None if n is None else str(n))}"
        expected[path].append(row)
    found = {directory: part.column("row").to_pylist() for directory, part in split(["c", "n"], batch)}
    assert found == expected


def test_a_batch_of_one_value_is_not_copied():
    batch = batch_of(c=pa.array(["a"] * 100))
    ((_, rows),) = split(["c"], batch)
    assert rows is batch


def test_a_rare_value_does_not_keep_the_memory_of_the_batch():
    batch = batch_of(c=pa.array(["rare"] + ["common"] * 9999), text=pa.array(["x" * 100] * 10_000))
    parts = dict(split(["c"], batch))
    assert parts["c=rare"].get_total_buffer_size() < 1000


@pytest.mark.parametrize(
    ("name", "type_", "complaint"),
    [
        ("missing", pa.int64(), "stream 's' has no column 'missing'"),
        ("_private", pa.int64(), "hidden"),
        ("number", pa.float64(), "do not make directory names"),
        ("list", pa.list_(pa.int64()), "do not make directory names"),
        ("struct", pa.struct([("a", pa.int64())]), "do not make directory names"),
        ("binary", pa.binary(), "do not make directory names"),
    ],
)
def test_columns_that_cannot_partition(name, type_, complaint):
    schema = pa.schema([] if name == "missing" else [(name, type_)])
    with pytest.raises(LayoutError, match=complaint):
        Partitioning([name], schema, stream="s")


def test_json_text_cannot_partition():
    schema = pa.schema([pa.field("doc", pa.string(), metadata={b"dativo.json": b"text"})])
    with pytest.raises(LayoutError, match="do not make directory names"):
        Partitioning(["doc"], schema, stream="s")
