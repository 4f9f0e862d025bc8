from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_parquet.conform import conform
from target_parquet.errors import TypeConflictError
from target_parquet.schema_evolution import VARIANT_KEY, evolve
from target_parquet.type_merge import is_json_text, label, merge

JSON = {b"dativo.json": b"text"}
INSTANT = pa.timestamp("us", tz="UTC")


def field(type_, name="x", **metadata):
    return pa.field(name, type_, metadata=metadata or None)


def json_field(name="x"):
    return pa.field(name, pa.string(), metadata=JSON)


LEGAL = [
    (pa.int32(), pa.int64(), pa.int64()),
    (pa.int64(), pa.int32(), pa.int64()),
    (pa.float32(), pa.float64(), pa.float64()),
    (pa.decimal128(10, 2), pa.decimal128(20, 2), pa.decimal128(20, 2)),
    (pa.decimal128(20, 2), pa.decimal128(10, 2), pa.decimal128(20, 2)),
    (pa.list_(pa.int32()), pa.list_(pa.int64()), pa.list_(pa.int64())),
    (
        pa.struct([("a", pa.int64())]),
        pa.struct([("b", pa.int64())]),
        pa.struct([("a", pa.int64()), ("b", pa.int64())]),
    ),
    (
        pa.list_(pa.struct([("a", pa.int64())])),
        pa.list_(pa.struct([("a", pa.int64()), ("b", pa.string())])),
        pa.list_(pa.struct([("a", pa.int64()), ("b", pa.string())])),
    ),
    (pa.map_(pa.string(), pa.int32()), pa.map_(pa.string(), pa.int64()), pa.map_(pa.string(), pa.int64())),
]

CONFLICTS = [
    (pa.int64(), pa.float64()),
    (pa.float64(), pa.int64()),
    (pa.int64(), pa.string()),
    (pa.int64(), pa.uint64()),
    (pa.int64(), pa.decimal128(38, 0)),
    (pa.decimal128(10, 2), pa.decimal128(12, 4)),
    (pa.bool_(), pa.int64()),
    (INSTANT, pa.timestamp("us")),
    (INSTANT, pa.string()),
    (pa.date32(), INSTANT),
    (pa.binary(), pa.string()),
    (pa.struct([("a", pa.int64())]), pa.string()),
    (pa.struct([("a", pa.int64())]), pa.struct([("a", pa.string())])),
    (pa.list_(pa.int64()), pa.int64()),
    (pa.list_(pa.int64()), pa.list_(pa.string())),
    (pa.map_(pa.string(), pa.int64()), pa.struct([("a", pa.int64())])),
]


@pytest.mark.parametrize(("old", "new", "merged"), LEGAL)
def test_legal_steps(old, new, merged):
    assert merge(field(old), field(new)).type == merged


@pytest.mark.parametrize(("old", "new"), CONFLICTS)
def test_conflicts(old, new):
    assert merge(field(old), field(new)) is None
    assert merge(field(new), field(old)) is None


def test_json_text_is_no_string():
    assert merge(json_field(), field(pa.string())) is None
    assert merge(field(pa.string()), json_field()) is None
    assert is_json_text(merge(json_field(), json_field()))


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        (pa.bool_(), "boolean"),
        (pa.int64(), "integer"),
        (pa.float64(), "number"),
        (pa.decimal128(9, 2), "decimal"),
        (pa.string(), "string"),
        (pa.binary(), "binary"),
        (INSTANT, "timestamptz"),
        (pa.timestamp("us"), "timestamp"),
        (pa.date32(), "date"),
        (pa.time64("us"), "time"),
        (pa.uuid(), "uuid"),
        (pa.struct([("a", pa.int64())]), "object"),
        (pa.list_(pa.int64()), "array"),
        (pa.map_(pa.string(), pa.int64()), "map"),
    ],
)
def test_types_have_a_word(type_, name):
    assert label(field(type_)) == name
    assert label(json_field()) == "json"


def names(evolved):
    return evolved.file.names


def test_the_first_schema_is_taken_as_it_is_without_words_for_the_decoder():
    incoming = pa.schema([field(pa.int64(), "id", **{"dativo.key": "true"}), json_field("doc")])
    evolved = evolve(None, incoming, "variant_column", stream="s")
    assert evolved.decode.equals(incoming, check_metadata=True)
    assert evolved.file.equals(pa.schema([field(pa.int64(), "id"), json_field("doc")]), check_metadata=True)
    assert evolved.sources == (0, 1)


def test_new_columns_are_added_and_missing_ones_stay():
    known = pa.schema([("a", pa.int64()), ("gone", pa.string())])
    evolved = evolve(known, pa.schema([("new", pa.bool_()), ("a", pa.int64())]), "fail", stream="s")
    assert names(evolved) == ["a", "gone", "new"]
    assert evolved.sources == (1, None, 0)


@pytest.mark.parametrize(("old", "new"), CONFLICTS)
def test_a_variant_takes_the_values_in_conflict_and_their_type(old, new):
    evolved = evolve(pa.schema([field(old)]), pa.schema([field(new)]), "variant_column", stream="s")
    assert names(evolved) == ["x", f"x__{label(field(new))}"]
    assert evolved.file.field("x").type == old
    assert evolved.file.field(1).type == new
    assert evolved.sources == (None, 0)
    assert evolved.decode.field("x").type == new


@pytest.mark.parametrize(("old", "new"), CONFLICTS)
def test_a_string_column_takes_text(old, new):
    evolved = evolve(pa.schema([field(old)]), pa.schema([field(new)]), "string_column", stream="s")
    assert names(evolved) == ["x", "x__string"]
    assert evolved.file.field(1).type == pa.string()
    assert is_json_text(evolved.decode.field("x")) == (new != pa.string())


@pytest.mark.parametrize(("old", "new"), CONFLICTS)
def test_fail_names_the_column(old, new):
    with pytest.raises(TypeConflictError) as caught:
        evolve(pa.schema([field(old)]), pa.schema([field(new)]), "fail", stream="users")
    assert "stream 'users', /x: the column is" in str(caught.value)


def again(evolved, *fields, policy="variant_column"):
    return evolve(evolved.file, pa.schema(fields), policy, stream="s")


def test_variants_are_used_again():
    first = evolve(None, pa.schema([field(pa.int64())]), "variant_column", stream="s")
    second = again(first, field(pa.string()))
    assert again(second, field(pa.string())).sources == (None, 0)
    assert again(second, field(pa.int64())).sources == (0, None)
    third = again(second, field(pa.float64()))
    assert names(third) == ["x", "x__string", "x__number"]


def test_a_second_struct_in_conflict_merges_with_the_first_or_gets_a_number():
    first = evolve(
        pa.schema([field(pa.int64())]),
        pa.schema([field(pa.struct([("a", pa.int64())]))]),
        "variant_column",
        stream="s",
    )
    merged = again(first, field(pa.struct([("b", pa.int64())])))
    assert names(merged) == ["x", "x__object"]
    numbered = again(first, field(pa.struct([("a", pa.string())])))
    assert names(numbered) == ["x", "x__object", "x__object_2"]


def test_a_variant_never_shares_a_column_with_a_property():
    """G10: whichever came first, the property `x__string` and the strings of `x` stay apart."""
    property_ = field(pa.string(), "x__string")
    known = pa.schema([field(pa.int64())])
    together = evolve(known, pa.schema([field(pa.string()), property_]), "variant_column", stream="s")
    assert names(together) == ["x", "x__string_2", "x__string"]

    property_first = evolve(
        pa.schema([field(pa.int64()), property_]),
        pa.schema([field(pa.string())]),
        "variant_column",
        stream="s",
    )
    assert names(property_first) == ["x", "x__string", "x__string_2"]
    assert property_first.sources == (None, None, 0)

    variant_first = evolve(known, pa.schema([field(pa.string())]), "variant_column", stream="s")
    later = again(variant_first, field(pa.int64()), property_)
    assert names(later) == ["x", "x__string", "x__string__string"]
    assert later.sources == (0, None, 1)


def test_string_column_collects_text_of_every_type():
    evolved = evolve(None, pa.schema([field(pa.int64())]), "string_column", stream="s")
    for type_ in (pa.string(), pa.bool_(), pa.list_(pa.int64()), pa.string()):
        evolved = again(evolved, field(type_), policy="string_column")
        assert names(evolved) == ["x", "x__string"]
        assert evolved.sources == (None, 0)


def test_variant_says_whose_values_it_holds():
    evolved = evolve(
        pa.schema([field(pa.int64())]), pa.schema([field(pa.string())]), "variant_column", stream="s"
    )
    assert evolved.file.field(1).metadata == {VARIANT_KEY: b"x"}


def test_columns_left_out_have_no_place_in_the_file():
    known = pa.schema([("country", pa.string()), ("a", pa.int64())])
    incoming = pa.schema([("country", pa.int64()), ("a", pa.int64())])
    evolved = evolve(known, incoming, "fail", stream="s", leave_out=["country"])
    assert names(evolved) == ["a"]
    assert evolved.sources == (1,)
    assert evolved.decode.names == ["country", "a"]


TYPES = [
    pa.int64(),
    pa.float64(),
    pa.string(),
    pa.bool_(),
    pa.struct([("a", pa.int64())]),
    pa.struct([("a", pa.string())]),
]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["x", "x__string", "x__object", "y"]), st.sampled_from(TYPES), min_size=1
        )
    )
)
def test_columns_once_written_keep_their_name_and_nothing_is_lost(history):
    """Whatever a source does, columns only come or grow, and each property has exactly one column."""
    file = None
    for properties in history:
        incoming = pa.schema([field(type_, name) for name, type_ in properties.items()])
        evolved = evolve(file, incoming, "variant_column", stream="s")
        if file is not None:
            assert evolved.file.names[: len(file)] == file.names
            assert all(merge(old, new).type == new.type for old, new in zip(file, evolved.file, strict=False))
        assert sorted(source for source in evolved.sources if source is not None) == list(
            range(len(incoming))
        )
        assert len(set(evolved.file.names)) == len(evolved.file)
        file = evolved.file


def test_conform_arranges_widens_and_fills():
    known = pa.schema(
        [
            ("gone", pa.string()),
            ("n", pa.decimal128(20, 2)),
            ("s", pa.struct([("a", pa.int64()), ("b", pa.string())])),
        ]
    )
    incoming = pa.schema(
        [
            ("s", pa.struct([("b", pa.string()), ("c", pa.bool_())])),
            ("n", pa.decimal128(9, 2)),
            ("new", pa.int64()),
        ]
    )
    evolved = evolve(known, incoming, "fail", stream="s")
    batch = pa.RecordBatch.from_pylist(
        [{"s": {"b": "x", "c": True}, "n": Decimal("1.50"), "new": 1}, {}], incoming
    )
    rows = conform(batch.slice(0, 2), [], evolved)
    assert rows.schema == evolved.file
    assert rows.to_pylist()[1] == {"gone": None, "n": None, "s": None, "new": None}
    first = rows.to_pylist()[0]
    assert str(first["n"]) == "1.50"
    assert first["s"] == {"a": None, "b": "x", "c": True}


def test_conform_shares_columns_that_did_not_change():
    schema = pa.schema([("a", pa.int64())])
    batch = pa.record_batch([pa.array([1, 2, 3])], schema=schema)
    rows = conform(batch, [], evolve(None, schema, "fail", stream="s"))
    assert rows.column(0).buffers()[1].address == batch.column(0).buffers()[1].address
