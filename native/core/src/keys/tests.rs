//! Keys against a map, and what must be one key or two.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema};
use proptest::prelude::*;

use super::{KeyLog, KeySet};
use crate::Error;

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let fields: Vec<Field> =
        columns.iter().zip(names).map(|(column, name)| Field::new(name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn array(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn set_of(keys: &RecordBatch) -> KeySet {
    let mut set = KeySet::new(&keys.schema()).unwrap();
    set.add(keys).unwrap();
    set
}

fn contains(set: &KeySet, keys: &RecordBatch) -> Vec<bool> {
    set.contains(keys).unwrap().values().iter().collect()
}

fn log_of(rows: &[(i64, &str, u32, u32, i64)]) -> KeyLog {
    let rows = logged(rows);
    let mut log = KeyLog::new(&Arc::new(rows.schema().project(&[0, 1]).unwrap())).unwrap();
    log.put(&rows).unwrap();
    log
}

fn logged(rows: &[(i64, &str, u32, u32, i64)]) -> RecordBatch {
    batch(vec![
        array(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        array(StringArray::from_iter_values(rows.iter().map(|row| row.1))),
        array(UInt32Array::from_iter_values(rows.iter().map(|row| row.2))),
        array(UInt32Array::from_iter_values(rows.iter().map(|row| row.3))),
        array(Int64Array::from_iter_values(rows.iter().map(|row| row.4))),
    ])
}

fn unlogged(batch: &RecordBatch) -> Vec<(i64, String, u32, u32, i64)> {
    let integers = batch.column(0).as_primitive::<Int64Type>();
    let texts = batch.column(1).as_string::<i32>();
    let [files, positions] = [2, 3].map(|at| batch.column(at).as_primitive::<UInt32Type>());
    let orders = batch.column(4).as_primitive::<Int64Type>();
    let row = |row| {
        let text = texts.value(row).to_owned();
        (integers.value(row), text, files.value(row), positions.value(row), orders.value(row))
    };
    (0..batch.num_rows()).map(row).collect()
}

fn overtaken(log: &mut KeyLog) -> Vec<(u32, u32)> {
    let batch = log.take_overtaken().unwrap();
    let [files, positions] = [0, 1].map(|at| batch.column(at).as_primitive::<UInt32Type>());
    (0..batch.num_rows()).map(|row| (files.value(row), positions.value(row))).collect()
}

#[test]
fn a_key_of_every_type_is_found_again_and_given_back() {
    let mut uuids = FixedSizeBinaryBuilder::new(16);
    uuids.append_value([1; 16]).unwrap();
    uuids.append_value([2; 16]).unwrap();
    let columns = vec![
        array(BooleanArray::from(vec![true, false])),
        array(LargeStringArray::from(vec!["", "é"])),
        array(Int32Array::from(vec![1, -1])),
        array(Decimal128Array::from(vec![10, 1]).with_precision_and_scale(38, 2).unwrap()),
        array(BinaryArray::from(vec![b"\xff\x00".as_slice(), b""])),
        array(TimestampMicrosecondArray::from(vec![5, 6]).with_timezone("UTC")),
        array(uuids.finish()),
        array(Float64Array::from(vec![1.5, -2.5])),
    ];
    let keys = batch(columns.clone());
    let set = set_of(&keys);
    assert_eq!(contains(&set, &keys), [true, true]);
    assert_eq!(set.len(), 2);
    let mut columns = columns;
    columns.push(array(UInt32Array::from(vec![0, 0])));
    columns.push(array(UInt32Array::from(vec![0, 1])));
    columns.push(array(Int64Array::from(vec![0, 1])));
    let fields: Vec<Field> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| Field::new(format!("c{at}"), column.data_type().clone(), false))
        .collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let mut log = KeyLog::new(&Arc::new(rows.schema().project(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap())).unwrap();
    log.put(&rows).unwrap();
    let back = log.slice(0, 10).unwrap();
    for (was, is) in rows.columns().iter().zip(back.columns()) {
        assert_eq!(was.as_ref(), is.as_ref());
    }
}

#[test]
fn columns_do_not_run_into_each_other() {
    let texts = |rows: [[&str; 2]; 2]| {
        let column = |at: usize| array(StringArray::from_iter_values(rows.iter().map(|row| row[at])));
        batch(vec![column(0), column(1)])
    };
    let set = set_of(&texts([["ab", "c"], ["", "x"]]));
    assert_eq!(contains(&set, &texts([["a", "bc"], ["x", ""]])), [false, false]);
    assert_eq!(contains(&set, &texts([["", "x"], ["ab", "c"]])), [true, true]);
}

#[test]
fn zeros_are_one_key_and_nan_and_null_are_none() {
    let set = set_of(&batch(vec![array(Float64Array::from(vec![Some(0.0), Some(f64::NAN), None]))]));
    let probe = batch(vec![array(Float64Array::from(vec![Some(-0.0), Some(f64::NAN), None, Some(1.0)]))]);
    assert_eq!(contains(&set, &probe), [true, false, false, false]);
    let narrow = set_of(&batch(vec![array(Float32Array::from(vec![-0.0]))]));
    assert_eq!(contains(&narrow, &batch(vec![array(Float32Array::from(vec![0.0]))])), [true]);
}

#[test]
fn slices_of_arrays_are_read_from_where_they_begin() {
    let integers: ArrayRef = array(Int64Array::from(vec![1, 2, 3, 4]));
    let bits: ArrayRef = array(BooleanArray::from(vec![true, true, false, true]));
    let whole = batch(vec![integers, bits]);
    let set = set_of(&whole.slice(2, 1));
    assert_eq!(contains(&set, &whole), [false, false, true, false]);
    assert_eq!(contains(&set, &whole.slice(1, 2)), [false, true]);
}

#[test]
fn keys_of_one_word_are_found_wherever_they_begin_and_whatever_pattern_they_have() {
    let strides = [1_i64, 50, 1 << 20, 1 << 32, i64::MAX / 3_000, -7];
    for stride in strides {
        let every = |from: i64| Int64Array::from_iter_values((0..1_000).map(|at| (from + 2 * at) * stride / 2));
        let set = set_of(&batch(vec![array(every(0))]));
        assert_eq!(set.len(), 1_000);
        assert!(contains(&set, &batch(vec![array(every(0))])).iter().all(|hit| *hit), "stride {stride}");
        let others = batch(vec![array(Int64Array::from_iter_values((0..1_000).map(|at| i64::MIN + at)))]);
        assert!(contains(&set, &others).iter().all(|hit| !*hit), "stride {stride}");
        let half = batch(vec![array(every(-500))]).slice(100, 800);
        let hits = contains(&set, &half).iter().filter(|hit| **hit).count();
        assert_eq!(hits, 650, "stride {stride}");
    }
}

#[test]
fn a_word_that_is_missing_among_others_is_not_found() {
    let set = set_of(&batch(vec![array(Int64Array::from(vec![0, 1]))]));
    let probe = batch(vec![array(Int64Array::from(vec![Some(1), None, Some(0), Some(2)]))]);
    assert_eq!(contains(&set, &probe), [true, false, true, false]);
}

#[test]
fn the_row_of_the_highest_order_counts() {
    let mut log = log_of(&[(1, "a", 0, 0, 5), (1, "b", 0, 1, 6), (1, "a", 1, 0, 4), (1, "a", 1, 1, 5)]);
    assert_eq!(overtaken(&mut log), [(0, 0), (1, 0)]);
    assert_eq!(overtaken(&mut log), []);
    let rows = unlogged(&log.slice(0, 2).unwrap());
    assert_eq!(rows, [(1, "a".to_owned(), 1, 1, 5), (1, "b".to_owned(), 0, 1, 6)]);
}

#[test]
fn a_deleted_key_has_no_row_until_it_is_written_again() {
    const DELETED: u32 = u32::MAX;
    let mut log = log_of(&[(1, "a", 0, 0, 1), (1, "a", DELETED, 0, 2), (2, "a", DELETED, 0, 3), (2, "a", 0, 1, 4)]);
    assert_eq!(overtaken(&mut log), [(0, 0)]);
    let files: Vec<u32> = unlogged(&log.slice(0, 2).unwrap()).iter().map(|row| row.2).collect();
    assert_eq!(files, [DELETED, 0]);
    log.put(&logged(&[(1, "a", 3, 7, 1)])).unwrap();
    assert_eq!(overtaken(&mut log), [(3, 7)], "a row that came before its key was deleted");
}

#[test]
fn a_row_without_a_key_is_refused_with_its_batch() {
    let mut rows = logged(&[(1, "a", 0, 0, 1), (2, "b", 0, 1, 2)]).columns().to_vec();
    rows[0] = array(Int64Array::from(vec![Some(1), None]));
    let mut log = log_of(&[]);
    let refused = log.put(&batch(rows));
    assert!(matches!(refused, Err(Error::InvalidArgument(message)) if message.contains("row 1 has no key")));
    assert!(log.is_empty());
}

#[test]
fn what_is_no_key_or_no_place_is_refused() {
    let list = Field::new("l", DataType::new_list(DataType::Int64, true), true);
    let refused = KeySet::new(&Arc::new(Schema::new(vec![list])));
    assert!(matches!(refused, Err(Error::UnsupportedSchema { path, .. }) if path == "/l"));
    assert!(matches!(KeySet::new(&Arc::new(Schema::empty())), Err(Error::InvalidArgument(_))));
    let set = set_of(&batch(vec![array(Int64Array::from(vec![1]))]));
    assert!(set.contains(&batch(vec![array(Int32Array::from(vec![1]))])).is_err());
    let mut log = log_of(&[]);
    assert!(log.put(&batch(vec![array(Int64Array::from(vec![1]))])).is_err());
    assert!(log.put(&logged(&[]).project(&[0, 1, 3, 2]).unwrap()).is_err());
    assert!(log.bucket(2, 2).is_err());
}

type Logged = (i64, String, u32, u32, i64);

fn rows() -> impl Strategy<Value = Vec<Logged>> {
    let row = (0..4_i64, "[ab]{0,2}", 0..3_u32, 0..20_i64);
    prop::collection::vec(row, 0..60).prop_map(|rows| {
        let number = |(at, (integer, text, file, order))| (integer, text, file, at as u32, order);
        rows.into_iter().enumerate().map(number).collect()
    })
}

proptest! {
    #[test]
    fn the_log_is_a_map(rows in rows(), cut in 0..60_usize, buckets in 1..5_u32) {
        let mut last: HashMap<(i64, String), Logged> = HashMap::new();
        let mut lost = Vec::new();
        for row in &rows {
            let key = (row.0, row.1.clone());
            let loser = match last.get(&key) {
                Some(older) if row.4 >= older.4 => last.insert(key, row.clone()),
                Some(_) => Some(row.clone()),
                None => last.insert(key, row.clone()),
            };
            lost.extend(loser.map(|row| (row.2, row.3)));
        }
        lost.sort_unstable();
        let borrowed: Vec<_> = rows.iter().map(|row| (row.0, row.1.as_str(), row.2, row.3, row.4)).collect();
        let (first, second) = borrowed.split_at(cut.min(borrowed.len()));
        let mut log = log_of(first);
        log.put(&logged(second)).unwrap();
        prop_assert_eq!(overtaken(&mut log), lost);
        let mut found: Vec<Logged> = (0..buckets).flat_map(|at| unlogged(&log.bucket(at, buckets).unwrap())).collect();
        let mut expected: Vec<Logged> = last.into_values().collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}
