from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol.leaves import leaves
from dativo_protocol.page_encoding import PageEncoding, choose_page_encoding
from hypothesis import given, settings
from hypothesis import strategies as st

COUNT = 2_000
UNIQUE = list(range(COUNT))
FEW = [number % 7 for number in range(COUNT)]


def choice(values):
    return choose_page_encoding(pa.table({"a": values}))


@pytest.mark.parametrize(
    "type_",
    [pa.int64(), pa.int32(), pa.timestamp("us", tz="UTC"), pa.timestamp("us"), pa.time64("us"), pa.date32()],
)
def test_numbers_and_times_that_hardly_repeat_take_deltas(type_):
    array = pa.array(UNIQUE, pa.int32() if type_ == pa.date32() else pa.int64()).cast(type_)
    assert choice(array) == PageEncoding((), {"a": "DELTA_BINARY_PACKED"})


@pytest.mark.parametrize("values", [FEW, [str(number) for number in FEW], [number / 3 for number in FEW]])
def test_values_that_repeat_take_a_dictionary(values):
    assert choice(values) == PageEncoding(("a",), {})


@pytest.mark.parametrize(
    "values",
    [[f"{number:x}" for number in UNIQUE], [number / 3 for number in UNIQUE], [Decimal(n) for n in UNIQUE]],
)
def test_other_values_that_hardly_repeat_are_stored_plainly(values):
    assert choice(values) == PageEncoding((), {})


def test_nulls_are_no_values_that_repeat():
    assert choice([number if number % 50 == 0 else None for number in UNIQUE]).plain
    assert choice(pa.nulls(COUNT, pa.int64())) == PageEncoding(("a",), {})


def test_leaves_are_named_as_parquet_names_them(tmp_path):
    table = pa.table(
        {
            "plain": pa.array([1, 2]),
            "object": pa.array([{"x": 1, "y": {"z": "s"}}, None]),
            "list": pa.array([[1, 2], None]),
            "objects": pa.array([[{"k": 1}], []]),
            "map": pa.array([[("a", [1.5])], None], pa.map_(pa.string(), pa.list_(pa.float64()))),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with pq.ParquetFile(tmp_path / "a.parquet") as file:
        names = [file.schema.column(index).path for index in range(len(file.schema))]
    assert [path for path, _ in leaves(table)] == names
    values = {path: array.to_pylist() for path, array in leaves(table)}
    assert values["object.y.z"] == ["s", None]
    assert values["list.list.element"] == [1, 2]
    assert values["map.key_value.value.list.element"] == [1.5]


def test_columns_of_one_path_do_not_get_what_fits_but_one_of_them(tmp_path):
    numbers = pa.array(UNIQUE)
    table = pa.table(
        {"a.b": [str(number) for number in UNIQUE], "a": pa.StructArray.from_arrays([numbers], ["b"])}
    )
    assert write_and_read(table, tmp_path / "a.parquet") == table


SCALARS = st.sampled_from(
    [
        pa.int64(),
        pa.float64(),
        pa.string(),
        pa.binary(),
        pa.bool_(),
        pa.date32(),
        pa.time64("us"),
        pa.binary(16),
    ]
)
TYPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        inner.map(lambda item: pa.list_(pa.field("element", item))),
        inner.map(lambda item: pa.struct([("x", item), ("y.z", pa.int64())])),
        inner.map(lambda item: pa.map_(pa.string(), item)),
    ),
    max_leaves=4,
)


@given(types=st.lists(TYPES, min_size=1, max_size=4), rows=st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_what_is_chosen_can_be_written_for_every_type(tmp_path_factory, types, rows):
    table = pa.table({f"c{place}": pa.nulls(rows, type_) for place, type_ in enumerate(types)})
    assert write_and_read(table, tmp_path_factory.mktemp("types") / "a.parquet") == table


def write_and_read(table, path):
    chosen = choose_page_encoding(table)
    with pq.ParquetWriter(
        path, table.schema, use_dictionary=list(chosen.dictionary), column_encoding=chosen.plain
    ) as writer:
        writer.write_table(table)
    return pq.read_table(path)
