//! Values with parts.

use arrow_schema::{DataType, Field, Fields};
use std::sync::Arc;

use super::{array_of, bytes, composite_of, decode, fault, field, one, part, usual};
use crate::pg::PgOptions;

const LIST: &str = "000000010000000100000017000000030000000100000004000000010000000400000002ffffffff";
const SQUARE: &str = "000000020000000000000017000000020000000100000002000000010000000400000001000000040000000200000004000000030000000400000004";
const FROM_TWO: &str = "000000010000000000000017000000020000000200000004000000010000000400000002";
const EMPTY: &str = "000000000000000000000017";
const THREE: &str =
    "00000003000000000000001700000002000000010000000100000001000000010000000100000004000000010000000400000002";
const COMPOSITE: &str = "00000002000000170000000400000001000000190000000178";
const COMPOSITES: &str =
    "00000001000000010000400200000002000000010000001900000002000000170000000400000001000000190000000178ffffffff";

fn comp() -> Field {
    composite_of(vec![usual("int4").with_name("a"), usual("text").with_name("b/c")])
}

fn hstore() -> Field {
    let entries =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)]);
    let entries = Field::new("entries", DataType::Struct(entries), false);
    field("v", DataType::Map(Arc::new(entries), false), "hstore")
}

/// A key and its value.
type Pair<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn hstore_of(pairs: &[Pair]) -> Vec<u8> {
    let mut value = (pairs.len() as i32).to_be_bytes().to_vec();
    for (key, text) in pairs {
        part(&mut value, *key);
        part(&mut value, *text);
    }
    value
}

#[test]
fn arrays_of_any_dimension_are_lists_in_lists() {
    for (dimensions, hex, json) in [
        (1, LIST, "[1,2,null]"),
        (1, FROM_TWO, "[1,2]"),
        (1, EMPTY, "[]"),
        (2, EMPTY, "[]"),
        (2, SQUARE, "[[1,2],[3,4]]"),
        (3, THREE, "[[[1]],[[2]]]"),
    ] {
        assert_eq!(one(array_of(usual("int4"), dimensions), &bytes(hex)).unwrap(), json);
    }
}

#[test]
fn arrays_among_nulls_keep_their_places() {
    let values = [None, Some(bytes(SQUARE)), None, Some(bytes(EMPTY)), Some(bytes(SQUARE))];
    let decoded = decode(array_of(usual("int4"), 2), &values, PgOptions::default()).unwrap();
    assert_eq!(decoded, ["null", "[[1,2],[3,4]]", "null", "[]", "[[1,2],[3,4]]"]);
    let halves = PgOptions { batch_rows: 2, ..PgOptions::default() };
    assert_eq!(decode(array_of(usual("int4"), 2), &values, halves).unwrap(), decoded);
}

#[test]
fn an_array_of_other_dimensions_says_what_to_do() {
    let said = fault(array_of(usual("int4"), 1), &bytes(SQUARE));
    assert!(said.contains("2 dimensions where 1 are declared: read the column as json by column_types"), "{said}");
}

#[test]
fn composites_are_structs_and_may_be_anywhere() {
    assert_eq!(one(comp(), &bytes(COMPOSITE)).unwrap(), r#"{"a":1,"b/c":"x"}"#);
    assert_eq!(one(array_of(comp(), 1), &bytes(COMPOSITES)).unwrap(), r#"[{"a":1,"b/c":"x"},null]"#);
    let values = [None, Some(bytes(COMPOSITE)), None];
    let decoded = decode(comp(), &values, PgOptions::default()).unwrap();
    assert_eq!(decoded, ["null", r#"{"a":1,"b/c":"x"}"#, "null"]);
}

#[test]
fn a_fault_inside_names_its_place() {
    let mut broken = bytes(COMPOSITE);
    broken[8..12].copy_from_slice(&3_i32.to_be_bytes());
    broken.remove(12);
    let said = fault(composite_of(vec![comp().with_name("inner")]), &{
        let mut outer = bytes("0000000100004002");
        part(&mut outer, Some(&broken));
        outer
    });
    assert!(said.starts_with(r#"row 1, column "/v/inner/a": malformed"#), "{said}");
    let said = fault(composite_of(vec![usual("int4")]), &bytes(COMPOSITE));
    assert!(said.contains("a composite of 2 attributes where 1 are planned"), "{said}");
}

#[test]
fn hstore_is_a_map() {
    let value = hstore_of(&[(Some(b"a"), Some(b"1")), (Some(b""), None)]);
    assert_eq!(one(hstore(), &value).unwrap(), r#"{"a":"1","":null}"#);
    let values = [Some(hstore_of(&[])), None, Some(value)];
    let decoded = decode(hstore(), &values, PgOptions::default()).unwrap();
    assert_eq!(decoded, ["{}", "null", r#"{"a":"1","":null}"#]);
    assert!(fault(hstore(), &hstore_of(&[(None, Some(b"1"))])).contains("a key that is null"));
}

#[test]
fn cut_off_and_oversized_values_are_errors() {
    let wholes = [
        (array_of(usual("int4"), 1), bytes(LIST)),
        (array_of(usual("int4"), 2), bytes(SQUARE)),
        (array_of(comp(), 1), bytes(COMPOSITES)),
        (comp(), bytes(COMPOSITE)),
        (hstore(), hstore_of(&[(Some(b"ab"), Some(b"cd"))])),
    ];
    for (field, whole) in wholes {
        for length in 0..whole.len() {
            assert!(one(field.clone(), &whole[..length]).is_err(), "{length} bytes of {field:?}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(fault(field.clone(), &longer).contains("bytes after its end"));
        // Every number in it as large as it can be: nothing is allocated for what is not there.
        for at in 0..whole.len() - 3 {
            let mut huge = whole.clone();
            huge[at..at + 4].copy_from_slice(&i32::MAX.to_be_bytes());
            let _ = one(field.clone(), &huge);
        }
    }
}

#[test]
fn an_array_of_nothing_in_some_dimension_is_refused() {
    let mut value = bytes(SQUARE);
    value[20..24].fill(0);
    assert!(one(array_of(usual("int4"), 2), &value).is_err());
}
