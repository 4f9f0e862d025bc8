//! Values that Arrow, or JSON, has none for.

use std::sync::Arc;

use arrow_schema::{DataType, Schema};

use super::{array_of, bytes, copy_of, decode, field, part, reader, usual};
use crate::pg::{OutOfRange, PgOptions, SpecialNumbers};

/// Form, bytes, the nearest value that there is.
const OUTSIDE: &[(&str, &str, &str)] = &[
    ("date", "7fffffff", r#""9999-12-31""#),
    ("date", "80000000", r#""0001-01-01""#),
    ("date", "fff49d7b", r#""0001-01-01""#),
    ("date", "002c95d4", r#""9999-12-31""#),
    ("time", "000000141dd76000", r#""23:59:59.999999""#),
    ("timestamp", "7fffffffffffffff", r#""9999-12-31T23:59:59.999999+00:00""#),
    ("timestamp", "8000000000000000", r#""0001-01-01T00:00:00+00:00""#),
    ("timestamptz", "7fffffffffffffff", r#""9999-12-31T23:59:59.999999+00:00""#),
    ("timestamptz", "8000000000000000", r#""0001-01-01T00:00:00+00:00""#),
];

const SPECIAL: &[(&str, &str)] = &[
    ("float4", "7fc00000"),
    ("float4", "ff800000"),
    ("float8", "7ff8000000000000"),
    ("float8", "7ff0000000000000"),
    ("numeric", "00000000c0000000"),
    ("numeric", "00000000d0000020"),
    ("numeric", "00000000f0000020"),
];

#[test]
fn what_is_out_of_range_follows_the_policy() {
    for (form, hex, nearest) in OUTSIDE {
        let under = |out_of_range| {
            let options = PgOptions { out_of_range, ..PgOptions::default() };
            decode(usual(form), &[Some(bytes(hex))], options)
        };
        assert_eq!(under(OutOfRange::Clamp).unwrap(), [*nearest], "{form} {hex}");
        assert_eq!(under(OutOfRange::Null).unwrap(), ["null"], "{form} {hex}");
        let said = under(OutOfRange::Fail).unwrap_err().to_string();
        assert!(said.contains("choose out_of_range_dates clamp or null"), "{said}");
    }
}

#[test]
fn the_ends_of_the_calendar_are_within() {
    for (form, value, expected) in [
        ("date", (-719_162_i32 - 10_957).to_be_bytes().to_vec(), r#""0001-01-01""#),
        ("date", (2_932_896_i32 - 10_957).to_be_bytes().to_vec(), r#""9999-12-31""#),
        ("time", 86_399_999_999_i64.to_be_bytes().to_vec(), r#""23:59:59.999999""#),
    ] {
        let options = PgOptions { out_of_range: OutOfRange::Fail, ..PgOptions::default() };
        assert_eq!(decode(usual(form), &[Some(value)], options).unwrap(), [expected]);
    }
}

#[test]
fn numbers_that_are_none_follow_the_policy() {
    for (form, hex) in SPECIAL {
        let decimal = field("v", DataType::Decimal128(9, 2), form);
        let fields = if *form == "numeric" { vec![usual(form), decimal] } else { vec![usual(form)] };
        for field in fields {
            let under = |special_numbers| {
                let options = PgOptions { special_numbers, ..PgOptions::default() };
                decode(field.clone(), &[Some(bytes(hex))], options)
            };
            assert_eq!(under(SpecialNumbers::Null).unwrap(), ["null"], "{form} {hex}");
            let said = under(SpecialNumbers::Fail).unwrap_err().to_string();
            assert!(said.contains("choose special_numbers null"), "{said}");
        }
    }
}

#[test]
fn what_a_policy_changes_is_counted_by_column() {
    let infinity = bytes("7fffffff");
    let mut list = bytes("000000010000000000000000");
    list.extend([2_i32, 1].into_iter().flat_map(i32::to_be_bytes));
    (0..2).for_each(|_| part(&mut list, Some(&infinity)));
    for (field, values, changed) in [
        (usual("date"), vec![Some(infinity.clone()), None, Some(bytes("00000000"))], 1),
        (array_of(usual("date"), 1), vec![Some(list.clone()), Some(list)], 4),
    ] {
        let schema = Arc::new(Schema::new(vec![field]));
        let mut rows = reader(schema, copy_of(&values), PgOptions::default()).unwrap();
        rows.next_step().unwrap();
        assert_eq!(rows.tally(), [changed]);
    }
}

#[test]
fn a_key_is_never_null() {
    let key = usual("date").with_nullable(false);
    let said = decode(key.clone(), &[None], PgOptions::default()).unwrap_err().to_string();
    assert!(said.contains("null where the schema allows none"), "{said}");
    let null = PgOptions { out_of_range: OutOfRange::Null, ..PgOptions::default() };
    assert!(decode(key, &[Some(bytes("7fffffff"))], null).is_err());
}
