//! Integers, floats and decimals as JSON numbers.

use arrow_array::types::DecimalType;
use arrow_buffer::i256;

use super::column::Cell;
use super::digits::{EIGHT_DIGITS, PAIRS, padded_text, short_text};
use super::out::Out;
use crate::fault::Fault;

/// Integers of any width.
pub(super) struct Integers<'a, T>(pub(super) &'a [T]);

/// An integer as sign and magnitude.
pub(super) trait Signed: Copy {
    fn split(self) -> (bool, u64);
}

macro_rules! signed {
    ($($native:ty),*) => {$(
        impl Signed for $native {
            #[inline]
            fn split(self) -> (bool, u64) {
                (self < 0, u64::from(self.unsigned_abs()))
            }
        }
    )*};
}
signed!(i8, i16, i32, i64);

macro_rules! unsigned {
    ($($native:ty),*) => {$(
        impl Signed for $native {
            #[inline]
            fn split(self) -> (bool, u64) {
                (false, u64::from(self))
            }
        }
    )*};
}
unsigned!(u8, u16, u32, u64);

impl<T: Signed> Cell for Integers<'_, T> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let (negative, magnitude) = self.0[row].split();
        if negative {
            out.byte(b'-');
        }
        write_unsigned(magnitude, out);
        Ok(())
    }
}

#[inline]
fn write_unsigned(value: u64, out: &mut Out) {
    match u32::try_from(value) {
        Ok(value) if value < EIGHT_DIGITS as u32 => {
            let (text, len) = short_text(value);
            out.prefix(&text, len);
        }
        _ => write_long(value, out),
    }
}

/// Up to twelve digits more before the last eight.
#[inline(never)]
fn write_long(value: u64, out: &mut Out) {
    write_unsigned(value / EIGHT_DIGITS, out);
    out.block(&padded_text((value % EIGHT_DIGITS) as u32));
}

/// Floats, as the shortest text that reads back as the same value. JSON has no word for NaN and
/// the infinities, so they become null.
pub(super) struct Floats<'a, T>(pub(super) &'a [T]);

impl<T: zmij::Float + Copy + Into<f64>> Cell for Floats<'_, T> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_float(self.0[row], out);
        Ok(())
    }
}

/// Doubles. Those with at most two places, as amounts of money are, need no search for the shortest text.
pub(super) struct Doubles<'a>(pub(super) &'a [f64]);

impl Cell for Doubles<'_> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let value = self.0[row];
        match hundredths(value) {
            Some(units) => write_hundredths(units, out),
            None => write_float(value, out),
        }
        Ok(())
    }
}

/// `value` in hundredths, if it is the double nearest to so many of them.
///
/// Below eight digits no other decimal as short is read as the same double, so this one is the shortest.
#[inline(always)]
fn hundredths(value: f64) -> Option<u32> {
    let units = (value * 100.0 + 0.5) as u32;
    let exact = units > 0 && u64::from(units) < EIGHT_DIGITS && f64::from(units) / 100.0 == value;
    exact.then_some(units)
}

#[inline(always)]
fn write_hundredths(units: u32, out: &mut Out) {
    let (whole, len) = short_text(units / 100);
    let [tens, ones] = PAIRS[(units % 100) as usize];
    out.prefix(&whole, len);
    out.prefix(&[b'.', tens, ones], if ones == b'0' { 2 } else { 3 });
}

/// Half floats, which every `f32` printer can print.
pub(super) struct HalfFloats<'a>(pub(super) &'a arrow_array::Float16Array);

impl Cell for HalfFloats<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_float(self.0.value(row).to_f32(), out);
        Ok(())
    }
}

#[inline]
fn write_float<T: zmij::Float + Copy + Into<f64>>(value: T, out: &mut Out) {
    if value.into().is_finite() {
        out.slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.slice(b"null");
    }
}

/// Decimals, digit by digit: no float comes in between and the scale is kept (`1.50`).
pub(super) struct Decimals<'a, T: DecimalType> {
    pub(super) values: &'a [T::Native],
    pub(super) scale: i8,
}

/// The unscaled value of a decimal, as sign and digits.
pub(super) trait Unscaled: Copy {
    fn is_negative(self) -> bool;
    /// Calls `with` with the digits of the absolute value.
    fn digits<R>(self, with: impl FnOnce(&[u8]) -> R) -> R;
}

macro_rules! unscaled {
    ($($native:ty),*) => {$(
        impl Unscaled for $native {
            #[inline]
            fn is_negative(self) -> bool {
                self < 0
            }
            #[inline]
            fn digits<R>(self, with: impl FnOnce(&[u8]) -> R) -> R {
                match u64::try_from(self.unsigned_abs()) {
                    // Dividing 128-bit numbers is slow and rarely needed.
                    Ok(small) => with(itoa::Buffer::new().format(small).as_bytes()),
                    Err(_) => with(itoa::Buffer::new().format(self.unsigned_abs()).as_bytes()),
                }
            }
        }
    )*};
}
unscaled!(i32, i64, i128);

impl Unscaled for i256 {
    fn is_negative(self) -> bool {
        i256::is_negative(self)
    }
    fn digits<R>(self, with: impl FnOnce(&[u8]) -> R) -> R {
        with(self.to_string().trim_start_matches('-').as_bytes())
    }
}

impl<T: DecimalType> Cell for Decimals<'_, T>
where
    T::Native: Unscaled,
{
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let value = self.values[row];
        if value.is_negative() {
            out.byte(b'-');
        }
        value.digits(|digits| write_scaled(digits, self.scale, out));
        Ok(())
    }
}

fn write_scaled(digits: &[u8], scale: i8, out: &mut Out) {
    let fraction = usize::try_from(scale).unwrap_or(0);
    if fraction == 0 {
        out.slice(digits);
        let zero = digits == b"0";
        let zeros = if zero { 0 } else { usize::from(scale.unsigned_abs()) };
        (0..zeros).for_each(|_| out.byte(b'0'));
        return;
    }
    match digits.len().checked_sub(fraction) {
        Some(whole) if whole > 0 => {
            out.slice(&digits[..whole]);
            out.byte(b'.');
            out.slice(&digits[whole..]);
        }
        _ => {
            out.slice(b"0.");
            (digits.len()..fraction).for_each(|_| out.byte(b'0'));
            out.slice(digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::{Decimal128Type, Decimal256Type};

    fn written(cell: &dyn Cell) -> String {
        let mut out = Out::default();
        assert!(cell.write(0, &mut out).is_ok());
        String::from_utf8_lossy(out.as_slice()).into_owned()
    }

    fn decimal(value: i128, scale: i8) -> String {
        written(&Decimals::<Decimal128Type> { values: &[value], scale })
    }

    #[test]
    fn integers_reach_both_ends_of_their_type() {
        assert_eq!(written(&Integers(&[i64::MIN])), "-9223372036854775808");
        assert_eq!(written(&Integers(&[u64::MAX])), "18446744073709551615");
        assert_eq!(written(&Integers(&[-128i8])), "-128");
    }

    #[test]
    fn integers_of_every_length_are_what_the_standard_library_writes() {
        let mut value = 1u64;
        for _ in 0..19 {
            for near in [value - 1, value, value + 1, value * 7] {
                assert_eq!(written(&Integers(&[near])), near.to_string());
            }
            value *= 10;
        }
    }

    #[test]
    fn floats_are_the_shortest_text_and_whole_ones_keep_a_point() {
        for (value, text) in [(1.0, "1.0"), (-0.0, "-0.0"), (0.1, "0.1"), (5e-324, "5e-324")] {
            assert_eq!(written(&Floats(&[value])), text);
        }
        assert_eq!(written(&Floats(&[0.1f32])), "0.1");
        assert_eq!(written(&Floats(&[f64::MAX])).parse::<f64>(), Ok(f64::MAX));
    }

    #[test]
    fn doubles_of_two_places_are_what_the_general_printer_writes() {
        for units in (0..1_000_000).chain((1_000_000..100_100_000).step_by(997)) {
            for value in [f64::from(units) / 100.0, -f64::from(units) / 100.0, (f64::from(units) / 100.0).next_up()] {
                assert_eq!(written(&Doubles(&[value])), written(&Floats(&[value])), "{value:?}");
            }
        }
        for value in [f64::NAN, f64::INFINITY, f64::MAX, 1e300, 5e-324, 0.001, 0.005, 42_949_672.96, 4e9, -0.0, 0.0] {
            assert_eq!(written(&Doubles(&[value])), written(&Floats(&[value])), "{value:?}");
        }
    }

    #[test]
    fn numbers_json_has_no_word_for_become_null() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(written(&Floats(&[value])), "null");
        }
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (value, scale, text) in [
            (150, 2, "1.50"),
            (-5, 2, "-0.05"),
            (0, 3, "0.000"),
            (123, 3, "0.123"),
            (7, 0, "7"),
            (7, -3, "7000"),
            (0, -3, "0"),
            (i128::MAX, 10, "17014118346046923173168730371.5884105727"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(decimal(value, scale), text);
        }
    }

    #[test]
    fn wide_decimals_keep_every_digit() {
        let cell = Decimals::<Decimal256Type> { values: &[i256::MIN], scale: 1 };
        let digits = i256::MIN.to_string();
        let (whole, fraction) = digits.split_at(digits.len() - 1);
        assert_eq!(written(&cell), format!("{whole}.{fraction}"));
    }
}
