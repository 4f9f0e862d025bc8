//! The text of a value and its binary form become the same.

use arrow_schema::DataType;
use proptest::prelude::*;

use super::super::numeric::of_text;
use super::super::{field, one as binary, usual};
use super::text::one;

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH: i64 = 10_957;
const DAY: i64 = 86_400_000_000;

/// As PostgreSQL writes a day since 1970-01-01 of the years 1 to 9999.
fn date(days: i64) -> String {
    // Days to a date by the rule of four centuries.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// As PostgreSQL writes microseconds since midnight: without zeros at the end of the fraction.
fn clock(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 { whole } else { format!("{whole}.{fraction:06}").trim_end_matches('0').to_owned() }
}

fn both(form: &str, text: &str, bytes: &[u8]) -> (String, String) {
    (one(usual(form), text.as_bytes()), binary(usual(form), bytes).unwrap())
}

#[test]
fn the_calendar_of_this_test_is_the_right_one() {
    assert_eq!(date(0), "1970-01-01");
    assert_eq!(date(EPOCH), "2000-01-01");
    assert_eq!(date(-719_162), "0001-01-01");
    assert_eq!(date(2_932_896), "9999-12-31");
    assert_eq!(clock(45_296_700_000), "12:34:56.7");
}

proptest! {
    #[test]
    fn integers_are(value: i64, small: i16, oid: u32) {
        let (text, binary) = both("int8", &value.to_string(), &value.to_be_bytes());
        prop_assert_eq!(text, binary);
        let (text, binary) = both("int2", &small.to_string(), &small.to_be_bytes());
        prop_assert_eq!(text, binary);
        let (text, binary) = both("oid", &oid.to_string(), &oid.to_be_bytes());
        prop_assert_eq!(text, binary);
    }

    #[test]
    fn doubles_are(value: f64) {
        let (text, binary) = both("float8", &format!("{value:e}"), &value.to_be_bytes());
        prop_assert_eq!(text, binary);
    }

    #[test]
    fn singles_read_back_as_they_were(bits: u32) {
        let value = f32::from_bits(bits);
        prop_assume!(value.is_finite());
        let shown = binary(usual("float4"), &bits.to_be_bytes()).unwrap();
        let digits: f64 = shown.parse().unwrap();
        prop_assert_eq!((digits as f32).to_bits(), bits);
        let (below, above) = (f64::midpoint(value.into(), value.next_down().into()), f64::midpoint(value.into(), value.next_up().into()));
        prop_assert!(digits > below.min(above) && digits < below.max(above), "{shown} is half way to another");
        prop_assert_eq!(one(usual("float4"), shown.as_bytes()), shown);
    }

    #[test]
    fn dates_and_moments_are(days in -719_162_i64..=2_932_896, micros in 0..DAY, whole: bool) {
        let micros = if whole { micros / 1_000_000 * 1_000_000 } else { micros };
        let (date, clock) = (date(days), clock(micros));
        let (text, binary) = both("date", &date, &((days - EPOCH) as i32).to_be_bytes());
        prop_assert_eq!(text, binary);
        let (text, binary) = both("time", &clock, &micros.to_be_bytes());
        prop_assert_eq!(text, binary);
        let instant = ((days - EPOCH) * DAY + micros).to_be_bytes();
        let (text, binary) = both("timestamp", &format!("{date} {clock}"), &instant);
        prop_assert_eq!(text, binary);
        let (text, binary) = both("timestamptz", &format!("{date} {clock}+00"), &instant);
        prop_assert_eq!(text, binary);
    }

    #[test]
    fn numbers_are(whole in "0|[1-9][0-9]{0,24}", fraction in "[0-9]{0,12}", negative: bool) {
        let number = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
        let zero = number.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let number = if negative && !zero { format!("-{number}") } else { number };
        for kind in [DataType::Utf8, DataType::Decimal128(38, 12)] {
            let field = field("v", kind, "numeric");
            prop_assert_eq!(one(field.clone(), number.as_bytes()), binary(field, &of_text(&number)).unwrap());
        }
    }

    #[test]
    fn bytes_are(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for kind in [DataType::Binary, DataType::Utf8] {
            let field = field("v", kind, "bytea");
            let read = one(field.clone(), format!("\\x{text}").as_bytes());
            prop_assert_eq!(read, binary(field, &bytes).unwrap());
        }
    }
}
