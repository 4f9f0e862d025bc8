"""Digests of rows: against a slow reference, and what they must not see."""

import datetime as dt
import math
import random
from decimal import Decimal

import dativo_native
import pyarrow as pa
import pytest
from dativo_native import Digest, InvalidArgument, UnsupportedSchema, combine_digests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .digest_reference import digest_of
from .kinds import KINDS, columns
from .xxh3 import xxh3_64

NOTHING = "r1:" + "0" * 32
ROWS = pa.record_batch({"id": [1, None, 3, 3], "name": ["a", "é", None, None]})


def digest(batch):
    with Digest(batch.schema) as sums:
        sums.update(batch)
        return sums.value()


def one(array):
    return digest(pa.record_batch([array], ["v"]))


@st.composite
def batches(draw):
    members = draw(columns(KINDS, at_least=1))
    rows = draw(st.integers(0, 5))
    schema = pa.schema([kind.field(name) for name, kind in members.items()])
    values = [
        draw(st.lists(st.none() | kind.values, min_size=rows, max_size=rows)) for kind in members.values()
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(batches())
def test_digest_is_that_of_the_reference(batch):
    assert digest(batch) == digest_of(batch)


def test_texts_of_every_length_are_those_of_the_reference():
    letters = random.Random(7).randbytes(2200)
    for size in [*range(520), 1023, 1024, 1025, 1088, 2047, 2048, 2049, 2200]:
        batch = pa.record_batch({"v": [letters[:size]]})
        assert digest(batch) == digest_of(batch), size


def test_xxh3_of_the_reference_is_that_of_its_authors():
    """Test vectors of the XXH3 of the reference implementation, without a seed."""
    assert xxh3_64(b"") == 0x2D06800538D394C2


def test_definition_is_frozen():
    """Digests are in ledgers: whoever changes them has to name the new definition r2."""
    assert digest(ROWS) == GOLDEN
    assert digest_of(ROWS) == GOLDEN


GOLDEN = "r1:0d1573a6798319ea8343c677e6759255"


@pytest.mark.parametrize(
    ("array", "same"),
    [
        (pa.array([5, None], pa.int8()), pa.array([5, None], pa.uint64())),
        (pa.array([2**63], pa.uint64()), pa.array([Decimal(2**63)], pa.decimal128(38, 4))),
        (pa.array([Decimal("1.50")]), pa.array([Decimal("1.5")], pa.decimal128(38, 20))),
        (pa.array([0.5], pa.float16()), pa.array([0.5], pa.float64())),
        (pa.array(["x", None, "x"]).dictionary_encode(), pa.array(["x", None, "x"], pa.large_string())),
        (pa.array(["long enough to be a view"], pa.string_view()), pa.array(["long enough to be a view"])),
        (pa.array([b"ab"], pa.binary(2)), pa.array([b"ab"], pa.binary_view())),
        (pa.array([[1], []], pa.large_list(pa.int8())), pa.array([[1], []])),
        (pa.array([[1, 2]], pa.list_(pa.int64(), 2)), pa.array([[1, 2]])),
        (
            pa.array([7], pa.timestamp("s", "Asia/Tokyo")),
            pa.array([7_000_000_000], pa.timestamp("ns", "UTC")),
        ),
        (pa.array([dt.date(1969, 1, 1)], pa.date64()), pa.array([dt.date(1969, 1, 1)])),
        (pa.array([3], pa.duration("s")), pa.array([3000], pa.duration("ms"))),
        (pa.array([Decimal("7.0")], pa.decimal256(70, 5)), pa.array([7])),
        (pa.array([math.nan]), pa.array([-math.nan])),
    ],
)
def test_type_that_holds_a_value_does_not_matter(array, same):
    assert array.type != same.type or math.isnan(array[0].as_py())
    assert one(array) == one(same)


def test_order_of_rows_columns_and_batches_does_not_matter():
    with Digest(ROWS.schema) as sums:
        for index in [2, 0, 3, 1]:
            sums.update(ROWS.slice(index, 1))
        assert sums.value() == digest(ROWS)
    assert digest(ROWS.select(["name", "id"])) == digest(ROWS)
    assert digest(ROWS.append_column("new", pa.nulls(4, pa.float64()))) == digest(ROWS)


def test_sliced_nested_columns_are_read_where_they_are():
    values = [[{"a": [1, None]}], None, [], [{"a": None}, None], [{"a": []}]] * 700
    batch = pa.record_batch({"v": pa.array(values)})
    parts = [digest(batch.slice(first, 31)) for first in range(0, batch.num_rows, 31)]
    assert combine_digests(parts) == digest(batch)


def test_row_more_or_less_matters():
    for other in [ROWS.slice(1), ROWS.take([0, 1, 2]), ROWS.take([0, 0, 1, 2, 3])]:
        assert digest(other) != digest(ROWS)


def test_digests_of_parts_are_summed():
    parts = [digest(ROWS.slice(0, 1)), digest(ROWS.slice(1)), NOTHING]
    assert combine_digests(parts) == digest(ROWS)
    assert combine_digests([]) == NOTHING
    assert combine_digests(["r1:" + "f" * 32, "r1:" + "0" * 15 + "1" + "0" * 15 + "1"]) == NOTHING


@pytest.mark.parametrize("value", ["", "r2:" + "0" * 32, "r1:" + "0" * 31, "r1:" + "g" * 32])
def test_digest_of_another_definition_is_not_summed(value):
    with pytest.raises(InvalidArgument, match="no digest of this version"):
        combine_digests([value])


def test_unsupported_type_names_its_field():
    with pytest.raises(UnsupportedSchema, match=r"Interval.*/when/took"):
        Digest(pa.schema([pa.field("when", pa.struct([("took", pa.month_day_nano_interval())]))]))


def test_batch_of_other_columns_is_refused():
    with Digest(ROWS.schema) as sums:
        with pytest.raises(InvalidArgument, match="other columns"):
            sums.update(pa.record_batch({"id": [1]}))
        assert sums.value() == NOTHING


def test_closed_digest_refuses_work_and_closes_again():
    sums = Digest(ROWS.schema)
    assert dativo_native.live_handles() == 1
    sums.close()
    sums.close()
    with pytest.raises(InvalidArgument, match="closed"):
        sums.value()
