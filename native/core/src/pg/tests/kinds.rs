//! Every form whose values have no parts. The bytes are what a PostgreSQL 16 has sent.

use arrow_schema::DataType;

use super::{bytes, decode, fault, field, one, usual};
use crate::pg::PgOptions;

/// Form, bytes, JSON.
const VALUES: &[(&str, &str, &str)] = &[
    ("bool", "01", "true"),
    ("bool", "00", "false"),
    ("int2", "fffe", "-2"),
    ("int4", "fffffffe", "-2"),
    ("int8", "7fffffffffffffff", "9223372036854775807"),
    ("oid", "ffffffff", "4294967295"),
    ("float4", "3f8ccccd", "1.1"),
    ("float4", "c1200000", "-10.0"),
    ("float4", "7f7fffff", "3.4028235e+38"),
    ("float4", "00000001", "1e-45"),
    ("float4", "cc0f70ac", "-37601968.0"),
    ("float8", "4170000018000000", "16777217.5"),
    ("text", "c3a42261", r#""ä\"a""#),
    ("text", "", r#""""#),
    ("text", "6162202020", r#""ab   ""#),
    ("char", "61", r#""a""#),
    ("char", "00", r#""""#),
    ("char", "ff", r#""\\377""#),
    ("bytea", "deadbeef", r#""3q2+7w==""#),
    ("date", "0000223f", r#""2024-01-02""#),
    ("time", "0000000a8be62608", r#""12:34:56.789000""#),
    ("timestamp", "0002b0ec85204bb0", r#""2024-01-02T03:04:05.678000+00:00""#),
    ("timestamptz", "0002b0ead7f903b0", r#""2024-01-02T01:04:05.678000+00:00""#),
    ("uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a11", r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#),
    ("json", "7b2261223a2020317d", r#"{"a":  1}"#),
    ("jsonb", "017b2261223a20317d", r#"{"a": 1}"#),
    ("inet", "02180004c0a80001", r#""192.168.0.1/24""#),
    ("inet", "02200004c0a80001", r#""192.168.0.1""#),
    ("cidr", "020801040a000000", r#""10.0.0.0/8""#),
    ("cidr", "022001040a000001", r#""10.0.0.1/32""#),
    ("inet", "0380001000000000000000000000000000000001", r#""::1""#),
    ("inet", "0380001000000000000000000000000000000000", r#""::""#),
    ("inet", "0380001000000000000000000000000000010002", r#""::0.1.0.2""#),
    ("inet", "0380001000000000000000000000ffff01020304", r#""::ffff:1.2.3.4""#),
    ("inet", "0340001020010db8000000000001000000000001", r#""2001:db8::1:0:0:1/64""#),
    ("inet", "0380001020010000000100020003000400050006", r#""2001:0:1:2:3:4:5:6""#),
    ("inet", "03800010fe800000000000000000000000000000", r#""fe80::""#),
];

/// Form, bytes that are no value of it.
const BROKEN: &[(&str, &str)] = &[
    ("bool", ""),
    ("bool", "02"),
    ("int2", "00"),
    ("int4", "0000000001"),
    ("int8", "00000001"),
    ("oid", ""),
    ("float4", "3f8ccc"),
    ("float8", "3f8ccccd"),
    ("char", "6161"),
    ("date", "00"),
    ("time", "ffffffffffffffff"),
    ("time", "000000141dd76001"),
    ("timestamp", "00"),
    ("uuid", "a0ee"),
    ("jsonb", ""),
    ("jsonb", "027b7d"),
    ("inet", "0218"),
    ("inet", "02180004c0a800"),
    ("inet", "02210004c0a80001"),
    ("inet", "04180004c0a80001"),
    ("inet", "03180004c0a80001"),
    ("numeric", "0001"),
    ("numeric", "0002000000000002007b"),
    ("numeric", "0001000000000000ffff"),
    ("numeric", "0001000000000000271000"),
    ("numeric", "00010000100000000001"),
    ("numeric", "ffff000000000000"),
];

#[test]
fn every_form_has_its_values() {
    for (form, hex, json) in VALUES {
        assert_eq!(one(usual(form), &bytes(hex)).unwrap(), *json, "{form} {hex}");
    }
}

#[test]
fn nulls_are_nulls_in_every_form() {
    for (form, hex, json) in VALUES {
        let values = [None, Some(bytes(hex)), None, None];
        let decoded = decode(usual(form), &values, PgOptions::default()).unwrap();
        assert_eq!(decoded, ["null", json, "null", "null"], "{form}");
    }
}

#[test]
fn broken_values_are_errors_that_name_their_column() {
    for (form, hex) in BROKEN {
        let said = fault(usual(form), &bytes(hex));
        assert!(said.starts_with(r#"row 1, column "/v": malformed binary data: "#), "{form} {hex}: {said}");
    }
}

#[test]
fn cut_off_values_never_panic() {
    for (form, hex, _) in VALUES {
        let whole = bytes(hex);
        for length in 0..whole.len() {
            let _ = one(usual(form), &whole[..length]);
        }
    }
}

#[test]
fn bytes_may_be_shown_as_digits() {
    let as_text = field("v", DataType::Utf8, "bytea");
    assert_eq!(one(as_text, b"\x00\xDE\xAD").unwrap(), r#""00dead""#);
}

#[test]
fn text_of_no_known_encoding_is_an_error() {
    let said = fault(usual("text"), b"\xE4");
    assert!(said.starts_with(r#"column "/v": text that is not UTF-8"#), "{said}");
}

#[test]
fn a_form_is_for_its_arrow_types_alone() {
    for (form, kind) in [("int4", DataType::Utf8), ("money", DataType::Utf8), ("", DataType::Int64)] {
        let said = one(field("a/b", kind, form), b"").unwrap_err().to_string();
        assert!(said.contains(&format!("dativo.pg {form:?}")) && said.contains("/a~1b"), "{said}");
    }
    assert!(one(field("v", DataType::Decimal128(5, 7), "numeric"), b"").is_err());
}
