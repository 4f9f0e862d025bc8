//! Every form's text. The texts are what a PostgreSQL 16 has sent.

use std::collections::HashMap;

use arrow_schema::{DataType, Field, Fields};
use proptest::prelude::*;

use super::super::{array_of, composite_of, field, usual};
use super::{begin, columns, commit, data, insert, reader, relation, told};
use crate::pg::ChangesOptions;

/// Form, text, JSON.
const VALUES: &[(&str, &str, &str)] = &[
    ("bool", "t", "true"),
    ("bool", "f", "false"),
    ("int2", "-32768", "-32768"),
    ("int4", "2147483647", "2147483647"),
    ("int8", "-9223372036854775808", "-9223372036854775808"),
    ("int8", "9223372036854775807", "9223372036854775807"),
    ("oid", "4294967295", "4294967295"),
    ("float4", "1.1", "1.1"),
    ("float4", "1e-45", "1e-45"),
    ("float8", "-1e+308", "-1e+308"),
    ("float8", "-0", "-0.0"),
    ("float8", "NaN", "null"),
    ("numeric", "-0.000", r#""-0.000""#),
    ("numeric", "Infinity", "null"),
    ("text", "", r#""""#),
    ("char", "\\377", r#""\\377""#),
    ("bytea", "\\xdeadBEEF", r#""3q2+7w==""#),
    ("bytea", "\\x", r#""""#),
    ("date", "2024-01-02", r#""2024-01-02""#),
    ("date", "infinity", r#""9999-12-31""#),
    ("date", "12024-01-02", r#""9999-12-31""#),
    ("date", "0044-03-15 BC", r#""0001-01-01""#),
    ("date", "10044-03-15 BC", r#""0001-01-01""#),
    ("time", "12:34:56.789", r#""12:34:56.789000""#),
    ("time", "24:00:00", r#""23:59:59.999999""#),
    ("timestamp", "2024-01-02 03:04:05.678", r#""2024-01-02T03:04:05.678000+00:00""#),
    ("timestamp", "-infinity", r#""0001-01-01T00:00:00+00:00""#),
    ("timestamptz", "2024-01-02 03:04:05+00", r#""2024-01-02T03:04:05+00:00""#),
    ("timestamptz", "2024-01-02 03:04:05+05:30", r#""2024-01-01T21:34:05+00:00""#),
    ("timestamptz", "0001-01-01 00:00:00+02", r#""0001-01-01T00:00:00+00:00""#),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#),
    ("json", r#"{"a":  1}"#, r#"{"a":  1}"#),
    ("jsonb", r#"{"a": 1}"#, r#"{"a": 1}"#),
    ("inet", "192.168.0.1/24", r#""192.168.0.1/24""#),
];

/// Form, text that is no value of it.
const BROKEN: &[(&str, &str)] = &[
    ("bool", "true"),
    ("int2", "32768"),
    ("int4", "-2147483649"),
    ("int8", "9223372036854775808"),
    ("int8", "-"),
    ("int8", ""),
    ("int8", "1.0"),
    ("oid", "-1"),
    ("float8", "1e999"),
    ("float8", "+1"),
    ("float8", "inf"),
    ("numeric", "1e"),
    ("numeric", ""),
    ("bytea", "deadbeef"),
    ("bytea", "\\xdea"),
    ("bytea", "\\xzz"),
    ("date", "2024-02-30"),
    ("date", "02/01/2024"),
    ("date", "2024-01-02 00:00:00"),
    ("date", "Infinity"),
    ("time", "24:00:01"),
    ("time", "12:34:56+02"),
    ("timestamp", "Tue Jan 02 03:04:05 2024"),
    ("timestamptz", "2024-01-02 03:04:05 CET"),
    ("uuid", "a0eebc99"),
];

/// What becomes of one value, as JSON or as an error.
pub(super) fn one(field: Field, text: &[u8]) -> String {
    let messages = vec![begin(9, 1), data(9, &relation(&["v"])), data(9, &insert(&[Some(text)])), commit(9, 10)];
    match told(&mut reader(messages, ChangesOptions::default()), &columns(vec![field])) {
        Ok(said) => said[1][r#"{"v":"#.len()..said[1].len() - 1].to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_form_has_its_values() {
    for (form, text, json) in VALUES {
        assert_eq!(one(usual(form), text.as_bytes()), *json, "{form} {text}");
    }
    assert_eq!(one(field("v", DataType::Utf8, "bytea"), b"\\xDEad"), r#""dead""#);
}

#[test]
fn what_is_no_value_is_an_error() {
    for (form, text) in BROKEN {
        let said = one(usual(form), text.as_bytes());
        assert!(said.contains("malformed text value") && said.contains("(in public.t)"), "{form} {text}: {said}");
    }
}

#[test]
fn decimals_fit_or_are_refused() {
    let decimal = |precision, scale| field("v", DataType::Decimal128(precision, scale), "numeric");
    for (text, precision, scale, json) in [
        ("12.50", 12, 2, "12.50"),
        ("-0.05", 12, 2, "-0.05"),
        ("7", 12, 2, "7.00"),
        ("12.5000", 12, 2, "12.50"),
        ("1e5", 12, 2, "100000.00"),
        ("99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"),
        ("NaN", 5, 0, "null"),
    ] {
        assert_eq!(one(decimal(precision, scale), text.as_bytes()), json, "{text}");
    }
    for (text, precision, scale) in
        [("12.345", 12, 2), ("100", 4, 2), ("100000000000000000000000000000000000000", 38, 0)]
    {
        let said = one(decimal(precision, scale), text.as_bytes());
        assert!(said.contains("a number that does not fit decimal"), "{text}: {said}");
    }
}

fn hstore() -> Field {
    let entries = [Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)];
    let entries = Field::new("entries", DataType::Struct(Fields::from(entries.to_vec())), false);
    field("v", DataType::Map(entries.into(), false), "hstore")
}

fn pair() -> Field {
    composite_of(vec![usual("int4").with_name("a"), usual("text").with_name("b")])
}

#[test]
fn parts_are_told_apart() {
    for (field, text, json) in [
        (array_of(usual("int4"), 1), "{}", "[]"),
        (array_of(usual("int4"), 2), "{}", "[]"),
        (array_of(usual("int4"), 1), "{1,NULL,3}", "[1,null,3]"),
        (array_of(usual("int4"), 1), "[5:6]={1,2}", "[1,2]"),
        (array_of(usual("int4"), 2), "[0:1][-1:0]={{1,2},{3,4}}", "[[1,2],[3,4]]"),
        (array_of(usual("text"), 1), r#"{a,"NULL",NULL,"x\"y,{","\\"}"#, r#"["a","NULL",null,"x\"y,{","\\"]"#),
        (array_of(pair(), 1), r#"{"(1,\"a b\")",NULL,"(,)"}"#, r#"[{"a":1,"b":"a b"},null,{"a":null,"b":null}]"#),
        (pair(), "(1,x)", r#"{"a":1,"b":"x"}"#),
        (pair(), r#"(1,"a ""q"",\\ x")"#, r#"{"a":1,"b":"a \"q\",\\ x"}"#),
        (pair(), r#"(,"")"#, r#"{"a":null,"b":""}"#),
        (hstore(), "", "{}"),
        (hstore(), r#""a"=>"1", "b \"c"=>NULL, ""=>"\\""#, r#"{"a":"1","b \"c":null,"":"\\"}"#),
    ] {
        assert_eq!(one(field, text.as_bytes()), json, "{text}");
    }
}

#[test]
fn items_of_a_type_may_have_another_character_between() {
    let boxes = array_of(usual("text"), 1);
    let with = |delimiter: &str| {
        let more = [("dativo.pg.delimiter".to_owned(), delimiter.to_owned())];
        let metadata: HashMap<_, _> = boxes.metadata().clone().into_iter().chain(more).collect();
        boxes.clone().with_metadata(metadata)
    };
    assert_eq!(one(with(";"), b"{(1,1),(0,0);(2,2),(1,1)}"), r#"["(1,1),(0,0)","(2,2),(1,1)"]"#);
    for delimiter in ["", "ab", "\"", "x"] {
        let said = one(with(delimiter), b"{}");
        assert!(said.contains("no mark of punctuation"), "{said}");
    }
}

#[test]
fn parts_that_do_not_belong_are_refused() {
    for (field, text, reason) in [
        (array_of(usual("int4"), 1), "{{1}}", "an array of 2 dimensions where 1 are declared"),
        (array_of(usual("int4"), 2), "{1}", "an array of 1 dimensions where 2 are declared"),
        (pair(), "(1)", "a composite of 1 attributes where 2 are planned"),
        (pair(), "(1,2,3)", "a composite of 3 attributes where 2 are planned"),
        (array_of(usual("int4"), 1), "{1,}", "an item of nothing"),
        (array_of(usual("int4"), 1), "{1", "do not follow each other"),
        (array_of(usual("int4"), 1), "{1}x", "something after its end"),
        (array_of(usual("text"), 1), "{\"a", "quotes that do not end"),
        (array_of(usual("text"), 1), "{\"a\\", "quotes that do not end"),
        (array_of(usual("int4"), 1), "[1:2]", "do not follow each other"),
        (pair(), "1,x", "do not follow each other"),
        (pair(), "(1,x", "do not follow each other"),
        (pair(), "(1,x)y", "something after its end"),
        (hstore(), "\"a\"", "do not follow each other"),
        (hstore(), "\"a\"=>\"b\" \"c\"=>NULL", "do not follow each other"),
    ] {
        let said = one(field, text.as_bytes());
        assert!(said.contains(reason), "{text}: {said}");
    }
}

proptest! {
    #[test]
    fn quoted_texts_are_what_went_in(texts in proptest::collection::vec("[ -~ä\\\\\"{},]{0,9}", 1..5)) {
        let quoted: Vec<String> =
            texts.iter().map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))).collect();
        let array = format!("{{{}}}", quoted.join(","));
        let expected = serde_json::to_string(&texts).unwrap();
        prop_assert_eq!(one(array_of(usual("text"), 1), array.as_bytes()), expected);
    }

    #[test]
    fn whatever_comes_is_a_value_or_an_error(text in "[(){}\\[\\]:=,;\"\\\\a1 N-]{0,12}", nested in 0_usize..4) {
        let fields = [array_of(usual("text"), 1), array_of(pair(), 2), pair(), hstore()];
        prop_assert!(!one(fields[nested].clone(), text.as_bytes()).is_empty());
    }
}
