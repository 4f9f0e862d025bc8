"""The order of rows in memory: values that compare in ways of their own, and files of several row groups."""

import math
import struct

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, FloatType, LongType, NestedField, UUIDType
from target_iceberg.sorting import Ordering, RowSorter


def ordering(kind, direction=SortDirection.ASC, nulls=NullOrder.NULLS_FIRST):
    schema = Schema(NestedField(1, "v", kind, required=False))
    return Ordering(SortOrder(SortField(1, IdentityTransform(), direction, nulls)), schema)


def is_before(number):
    """The rank of a float in the specification's order."""
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return bits if bits >= 0 else -(2**63) - 1 - bits


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))))
def test_floats_have_a_total_order(values):
    found = RowSorter(ordering(DoubleType())).sort(pa.table({"v": pa.array(values, pa.float64())}))
    ranks = [is_before(each.as_py()) for each in found.column("v") if each.is_valid]
    assert ranks == sorted(ranks)
    assert found.column("v").slice(0, values.count(None)).null_count == values.count(None)


def test_nan_is_the_greatest_and_zeros_have_signs():
    for kind, arrow in ((DoubleType(), pa.float64()), (FloatType(), pa.float32())):
        rows = pa.table({"v": pa.array([0.0, math.nan, -0.0, math.inf, -1.0, None], arrow)})
        found = RowSorter(ordering(kind, SortDirection.DESC, NullOrder.NULLS_LAST)).sort(rows)
        assert str(found.column("v").to_pylist()) == "[nan, inf, 0.0, -0.0, -1.0, None]"


def test_uuids_are_compared_as_bytes():
    values = [b"\xff" * 16, None, bytes(16), b"\x7f" * 16]
    stored = pa.ExtensionArray.from_storage(pa.uuid(), pa.array(values, pa.binary(16)))
    found = RowSorter(ordering(UUIDType())).sort(pa.table({"v": stored}))
    assert [each and each.bytes for each in found.column("v").to_pylist()] == sorted(
        values, key=lambda each: each or b""
    )


@pytest.mark.parametrize(
    ("groups", "sorted_"),
    [
        ([[3, 1, 2]], True),
        ([[2, 1], [2, 3]], True),
        ([[None, 1], [None, 2]], False),
        ([[None], [None, 2]], True),
        ([[1, 2], [], [3]], True),
        ([[1, 5], [4, 6], [7]], False),
        ([], True),
    ],
)
def test_a_file_is_sorted_if_its_row_groups_follow_each_other(groups, sorted_):
    sorter = RowSorter(ordering(LongType()))
    for group in groups:
        found = sorter.sort(pa.table({"v": pa.array(group, pa.int64())})).column("v").to_pylist()
        assert found == sorted(group, key=lambda each: (each is not None, each))
    assert sorter.is_sorted is sorted_
    assert sorter.order_id == (1 if sorted_ else None)


def test_rows_in_order_are_not_copied():
    rows = pa.table({"v": pa.array(range(1000), pa.int64())})
    found = RowSorter(ordering(LongType())).sort(rows)
    assert found.column("v").chunk(0).buffers()[1].address == rows.column("v").chunk(0).buffers()[1].address
