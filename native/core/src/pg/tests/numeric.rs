//! `numeric` in both of its Arrow types.

use arrow_schema::DataType;
use proptest::prelude::*;

use super::{bytes, fault, field, one};

/// A number as `numeric_send` writes it.
fn sent(groups: &[i16], weight: i16, negative: bool, places: u16) -> Vec<u8> {
    let sign = if negative { 0x4000_u16 } else { 0 };
    let head = [groups.len() as u16, weight as u16, sign, places];
    head.into_iter().chain(groups.iter().map(|&group| group as u16)).flat_map(u16::to_be_bytes).collect()
}

/// The form that PostgreSQL has for a decimal text: groups without zeros at either end.
pub(super) fn of_text(text: &str) -> Vec<u8> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let padded = format!("{}{whole}{fraction}", "0".repeat((4 - whole.len() % 4) % 4));
    let padded = format!("{padded}{}", "0".repeat((4 - padded.len() % 4) % 4));
    let mut groups: Vec<i16> = (0..padded.len()).step_by(4).map(|at| padded[at..at + 4].parse().unwrap()).collect();
    let mut weight = whole.len().div_ceil(4) as i16 - 1;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..zeros);
    weight = if groups.is_empty() { 0 } else { weight - zeros as i16 };
    sent(&groups, weight, negative && !groups.is_empty(), fraction.len() as u16)
}

fn text() -> super::Field {
    field("v", DataType::Utf8, "numeric")
}

fn decimal(precision: u8, scale: i8) -> super::Field {
    field("v", DataType::Decimal128(precision, scale), "numeric")
}

#[test]
fn numbers_are_shown_as_postgresql_shows_them() {
    for (hex, expected) in [
        ("0002000000000002007b1194", "123.45"),
        ("0000000000000002", "0.00"),
        ("0000000000000000", "0"),
        ("0003000140000004000100000001", "-10000.0001"),
        ("0001fffd0000000a0064", "0.0000000001"),
        ("00010005000000000001", "100000000000000000000"),
        ("000a000900000000000c0d801ed204d2162e23340d801ed204d2162e", "12345678901234567890123456789012345678"),
    ] {
        assert_eq!(one(text(), &bytes(hex)).unwrap(), format!("\"{expected}\""), "{hex}");
    }
}

#[test]
fn decimals_have_the_scale_of_their_column() {
    for (number, precision, scale, expected) in [
        ("123.45", 12, 2, "123.45"),
        ("123.45", 12, 4, "123.4500"),
        ("-0.05", 12, 2, "-0.05"),
        ("0.00", 12, 2, "0.00"),
        ("100000000000000000000", 38, 0, "100000000000000000000"),
        ("99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"),
        ("999999999999999999999999999999999999.99", 38, 2, "999999999999999999999999999999999999.99"),
        ("0.00000000000000000000000000000000000001", 38, 38, "0.00000000000000000000000000000000000001"),
        ("1200.00", 6, 2, "1200.00"),
    ] {
        assert_eq!(one(decimal(precision, scale), &of_text(number)).unwrap(), expected, "{number}");
    }
}

#[test]
fn no_digit_is_lost_without_a_word() {
    for (number, precision, scale) in [
        ("123.456", 12, 2),
        ("1000", 3, 0),
        ("100000000000000000000000000000000000000", 38, 0),
        ("0.00000001", 38, 7),
        ("12345678901234567890.5", 38, 0),
        ("1.0000000000000000000000000000000000001", 38, 30),
    ] {
        let said = fault(decimal(precision, scale), &of_text(number));
        assert!(said.contains(&format!("does not fit decimal({precision},{scale})")), "{number}: {said}");
    }
}

#[test]
fn weights_at_their_ends_are_no_overflow() {
    for weight in [i16::MIN, -1000, 1000, i16::MAX] {
        for groups in [&[1_i16][..], &[1, 0, 0, 0, 0, 9999]] {
            assert!(fault(decimal(38, 10), &sent(groups, weight, false, 0)).contains("does not fit"));
        }
        assert_eq!(one(decimal(38, 10), &sent(&[], weight, false, 0)).unwrap(), "0.0000000000");
        let shown = one(text(), &sent(&[12], weight, true, 3)).unwrap();
        assert!(shown.starts_with("\"-") && shown.ends_with(".000\""));
    }
}

proptest! {
    #[test]
    fn every_number_is_shown_again(whole in "0|[1-9][0-9]{0,120}", fraction in "[0-9]{0,120}", negative: bool) {
        let number = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
        let zero = number.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let number = if negative && !zero { format!("-{number}") } else { number };
        prop_assert_eq!(one(text(), &of_text(&number)).unwrap(), format!("\"{number}\""));
    }

    #[test]
    fn every_decimal_that_fits_is_exact(unscaled in -99_999_999_999_999_999_999_999_999_999_999_999_999_i128..=99_999_999_999_999_999_999_999_999_999_999_999_999, scale in 0_usize..=38) {
        let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if unscaled < 0 { "-" } else { "" };
        let number = if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        prop_assert_eq!(one(decimal(38, scale as i8), &of_text(&number)).unwrap(), number);
    }

    #[test]
    fn no_bytes_make_it_panic(value in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = one(text(), &value);
        let _ = one(decimal(20, 5), &value);
    }

    #[test]
    fn no_groups_make_it_panic(groups in proptest::collection::vec(0_i16..10_000, 0..30), weight in -100_i16..=100, places in 0_u16..400) {
        let value = sent(&groups, weight, false, places);
        prop_assert!(one(text(), &value).is_ok());
        let _ = one(decimal(38, 19), &value);
    }
}
