//! What a digest must not see, and what it must.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, MapBuilder, StringBuilder};
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::*;
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{DataType, Field, IntervalUnit, Schema};
use proptest::prelude::*;

use super::Digest;
use crate::Error;

fn digest(batch: &RecordBatch) -> [u64; 2] {
    let mut digest = Digest::new(batch.schema()).unwrap();
    digest.update(batch).unwrap();
    digest.value()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn of(array: impl Array + 'static) -> [u64; 2] {
    digest(&batch(vec![("v", Arc::new(array))]))
}

#[test]
fn nothing_is_zero_and_a_row_without_values_is_not() {
    assert_eq!(of(Int64Array::from(Vec::<i64>::new())), [0, 0]);
    assert_ne!(of(Int64Array::from(vec![None])), [0, 0]);
}

#[test]
fn the_definition_does_not_change() {
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("name", Arc::new(StringArray::from(vec![Some("a"), Some("é")]))),
    ]);
    assert_eq!(digest(&rows), GOLDEN);
}

const GOLDEN: [u64; 2] = [0xa4fb_f348_1e02_a6fa, 0x8c5d_19c1_a9fe_c6c9];

#[test]
fn the_same_value_of_another_type_is_the_same() {
    let expected = of(Int64Array::from(vec![7, -1]));
    assert_eq!(of(Int8Array::from(vec![7, -1])), expected);
    assert_eq!(of(Int32Array::from(vec![7, -1])), expected);
    assert_eq!(of(Decimal128Array::from(vec![700, -100]).with_precision_and_scale(10, 2).unwrap()), expected);
    assert_eq!(of(Decimal64Array::from(vec![7, -1]).with_precision_and_scale(9, 0).unwrap()), expected);
    assert_ne!(of(Float64Array::from(vec![7.0, -1.0])), expected);

    let keyed: DictionaryArray<Int8Type> = vec![Some("x"), None, Some("x")].into_iter().collect();
    let plain = vec![Some("x"), None, Some("x")];
    assert_eq!(of(keyed), of(StringArray::from(plain.clone())));
    assert_eq!(of(LargeStringArray::from(plain.clone())), of(StringViewArray::from(plain.clone())));
    assert_eq!(of(LargeStringArray::from(plain)), of(StringArray::from(vec![Some("x"), Some("x"), None])));
    assert_eq!(
        of(BinaryArray::from_vec(vec![b"ab"])),
        of(FixedSizeBinaryArray::try_from_iter([b"ab"].into_iter()).unwrap())
    );
    assert_ne!(of(BinaryArray::from_vec(vec![b"ab"])), of(StringArray::from(vec!["ab"])));
}

#[test]
fn instants_are_the_same_in_every_unit_and_zone() {
    let expected = of(TimestampMicrosecondArray::from(vec![-3_000_000]).with_timezone("UTC"));
    assert_eq!(of(TimestampSecondArray::from(vec![-3]).with_timezone("+02:00")), expected);
    assert_eq!(of(TimestampMillisecondArray::from(vec![-3_000]).with_timezone("UTC")), expected);
    assert_eq!(of(TimestampNanosecondArray::from(vec![-3_000_000_000]).with_timezone("UTC")), expected);
    assert_ne!(of(TimestampSecondArray::from(vec![-3])), expected);
    assert_eq!(of(Time32SecondArray::from(vec![3])), of(Time64NanosecondArray::from(vec![3_000_000_000])));
    assert_eq!(of(Time32MillisecondArray::from(vec![3])), of(Time64MicrosecondArray::from(vec![3_000])));
    assert_eq!(of(Date32Array::from(vec![-1])), of(Date64Array::from(vec![-86_400_000])));
}

#[test]
fn floats_widen_and_have_one_nan_but_two_zeros() {
    assert_eq!(of(Float32Array::from(vec![0.5])), of(Float64Array::from(vec![0.5])));
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1 << 63 | 3);
    assert_eq!(of(Float64Array::from(vec![other_nan])), of(Float64Array::from(vec![f64::NAN])));
    assert_ne!(of(Float64Array::from(vec![-0.0])), of(Float64Array::from(vec![0.0])));
}

#[test]
fn numbers_beyond_64_bits_are_told_apart() {
    let decimals =
        |values: Vec<i128>, scale| of(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap());
    let two_to_63 = 1_i128 << 63;
    assert_eq!(of(UInt64Array::from(vec![1_u64 << 63])), decimals(vec![two_to_63], 0));
    assert_eq!(decimals(vec![two_to_63 * 1000], 3), decimals(vec![two_to_63], 0));
    let different = [
        decimals(vec![two_to_63], 0),
        decimals(vec![-two_to_63], 0),
        decimals(vec![two_to_63 * 2], 0),
        decimals(vec![two_to_63 + 1], 1),
        decimals(vec![two_to_63 + 1], 2),
        decimals(vec![1], 1),
        decimals(vec![1], 2),
        decimals(vec![-1], 1),
    ];
    for (index, one) in different.iter().enumerate() {
        assert!(!different[..index].contains(one));
    }
}

#[test]
fn decimals_of_256_bits_are_the_same_numbers() {
    let wide = |value, scale| of(Decimal256Array::from(vec![value]).with_precision_and_scale(76, scale).unwrap());
    assert_eq!(wide(i256::from(700), 2), of(Int64Array::from(vec![7])));
    let narrow = Decimal128Array::from(vec![-(1_i128 << 100)]).with_precision_and_scale(38, 3).unwrap();
    assert_eq!(wide(i256::from_i128(-(1 << 100)) * i256::from(10), 4), of(narrow));
    let large = i256::from_parts(5, 1);
    assert_eq!(wide(large * i256::from(100), 2), wide(large, 0));
    assert_ne!(wide(large, 1), wide(large, 0));
    assert_ne!(wide(large, 0), wide(i256::from_parts(5, 2), 0));
    assert_ne!(wide(large, 0), wide(i256::from_parts(6, 1), 0));
}

#[test]
fn nulls_are_left_out_of_rows_but_not_of_lists() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let nulls: ArrayRef = Arc::new(StringArray::new_null(2));
    let untyped: ArrayRef = Arc::new(NullArray::new(2));
    let expected = digest(&batch(vec![("id", ids.clone())]));
    assert_eq!(digest(&batch(vec![("x", nulls), ("id", ids.clone()), ("y", untyped)])), expected);
    assert_ne!(digest(&batch(vec![("other", ids)])), expected);

    let lists = |items: Vec<Option<Vec<Option<i64>>>>| of(ListArray::from_iter_primitive::<Int64Type, _, _>(items));
    let different = [
        lists(vec![None]),
        lists(vec![Some(vec![])]),
        lists(vec![Some(vec![None])]),
        lists(vec![Some(vec![None, None])]),
        lists(vec![Some(vec![Some(1), Some(2)])]),
        lists(vec![Some(vec![Some(2), Some(1)])]),
    ];
    for (index, one) in different.iter().enumerate() {
        assert!(!different[..index].contains(one));
    }
}

#[test]
fn what_a_null_hides_is_not_seen() {
    let hidden = Int64Array::new(vec![1, 99, 3].into(), Some(NullBuffer::from(vec![true, false, true])));
    assert_eq!(of(hidden), of(Int64Array::from(vec![Some(1), None, Some(3)])));
    let keys = Int8Array::new(vec![0, 77].into(), Some(NullBuffer::from(vec![true, false])));
    let keyed = DictionaryArray::try_new(keys, Arc::new(StringArray::from(vec!["x"]))).unwrap();
    assert_eq!(of(keyed), of(StringArray::from(vec![Some("x"), None])));
}

#[test]
fn structs_are_sums_of_members() {
    let field = |name| Arc::new(Field::new(name, DataType::Int64, true));
    let numbers = |value: Option<i64>| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let one = StructArray::from(vec![(field("a"), numbers(Some(1))), (field("b"), numbers(None))]);
    let other = StructArray::from(vec![(field("c"), numbers(None)), (field("a"), numbers(Some(1)))]);
    let empty = StructArray::from(vec![(field("a"), numbers(None))]);
    let null = StructArray::new(vec![field("a")].into(), vec![numbers(None)], Some(NullBuffer::new_null(1)));
    assert_eq!(of(one.clone()), of(other));
    assert_ne!(of(one), of(empty.clone()));
    assert_ne!(of(empty), of(null));
}

fn map(entries: &[(&str, Option<i64>)]) -> MapArray {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for (key, value) in entries {
        builder.keys().append_value(key);
        builder.values().append_option(*value);
    }
    builder.append(true).unwrap();
    builder.finish()
}

#[test]
fn maps_have_no_order() {
    assert_eq!(of(map(&[("a", Some(1)), ("b", None)])), of(map(&[("b", None), ("a", Some(1))])));
    assert_ne!(of(map(&[("a", Some(1)), ("b", Some(2))])), of(map(&[("a", Some(2)), ("b", Some(1))])));
    assert_ne!(of(map(&[("a", Some(1)), ("b", None)])), of(map(&[("a", Some(1))])));
    assert_ne!(of(map(&[])), of(map(&[("a", None)])));
}

#[test]
fn a_type_without_digest_names_its_field() {
    let months = DataType::Interval(IntervalUnit::YearMonth);
    let lists = DataType::List(Arc::new(Field::new("item", months, true)));
    match Digest::new(Arc::new(Schema::new(vec![Field::new("many", lists, true)]))) {
        Err(error @ Error::UnsupportedSchema { .. }) => {
            assert_eq!(error.to_string(), "the Arrow type Interval(YearMonth) has no digest (at \"/many/*\")");
            assert_eq!(error.stream(), None);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_of_other_columns_is_refused_and_adds_nothing() {
    let one = batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let other = batch(vec![("b", Arc::new(Int64Array::from(vec![1])))]);
    let mut digest = Digest::new(one.schema()).unwrap();
    assert!(matches!(digest.update(&other), Err(Error::InvalidArgument(_))));
    assert_eq!(digest.value(), [0, 0]);
}

type Row = (Option<i64>, Option<String>, Option<Vec<Option<i64>>>);

fn rows_of(rows: &[Row]) -> RecordBatch {
    batch(vec![
        ("number", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>())),
        ("text", Arc::new(rows.iter().map(|row| row.1.clone()).collect::<StringArray>())),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows.iter().map(|row| row.2.clone())))),
    ])
}

fn any_row() -> impl Strategy<Value = Row> {
    let few = || proptest::option::of(-2_i64..3);
    (few(), proptest::option::of("[ab]{0,2}"), proptest::option::of(proptest::collection::vec(few(), 0..3)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn only_which_rows_there_are_and_how_often_counts(
        mut rows in proptest::collection::vec(any_row(), 1..2_500),
        cut in any::<prop::sample::Index>(),
        changed in any_row(),
    ) {
        let whole = digest(&rows_of(&rows));
        let all = rows_of(&rows);
        let cut = cut.index(rows.len());
        let mut parts = Digest::new(all.schema()).unwrap();
        parts.update(&all.slice(cut, rows.len() - cut)).unwrap();
        parts.update(&all.slice(0, cut)).unwrap();
        prop_assert_eq!(parts.value(), whole);

        rows.rotate_left(cut);
        prop_assert_eq!(digest(&rows_of(&rows)), whole);
        let first = std::mem::replace(&mut rows[0], changed.clone());
        prop_assert_eq!(digest(&rows_of(&rows)) == whole, first == changed);
        rows[0] = first;
        rows.push(rows[0].clone());
        prop_assert_ne!(digest(&rows_of(&rows)), whole);
    }
}
