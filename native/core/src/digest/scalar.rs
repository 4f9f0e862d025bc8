//! Words of values that hold no others.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType, OffsetSizeTrait};
use arrow_buffer::i256;
use arrow_schema::{DataType, TimeUnit};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::column::{BoxedWords, Words};
use super::mix::*;

const MILLIS_PER_DAY: i64 = 86_400_000;
const NAN: u64 = 0x7ff8_0000_0000_0000;

/// Chooses how to read the values of `array`; None if they hold others, or have no class.
pub(super) fn bind(array: &dyn Array) -> Option<BoxedWords<'_>> {
    number(array).or_else(|| moment(array)).or_else(|| bytes(array))
}

/// Values that lie one after the other, and the word of each.
struct Each<'a, T, F> {
    values: &'a [T],
    word: F,
}

impl<T: Copy, F: Fn(T) -> u64> Words for Each<'_, T, F> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        for (word, value) in words.iter_mut().zip(&self.values[rows]) {
            *word = (self.word)(*value);
        }
    }
}

/// The word of the value in each row.
struct At<F>(F);

impl<F: Fn(usize) -> u64> Words for At<F> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        for (word, row) in words.iter_mut().zip(rows) {
            *word = (self.0)(row);
        }
    }
}

fn each<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, word: impl Fn(T::Native) -> u64 + 'a) -> BoxedWords<'a> {
    Box::new(Each { values: array.as_primitive::<T>().values(), word })
}

fn number(array: &dyn Array) -> Option<BoxedWords<'_>> {
    Some(match array.data_type() {
        DataType::Null => Box::new(At(|_| NULL)),
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(At(|row| u64::from(array.value(row)).wrapping_add(BOOL)))
        }
        DataType::Int8 => each::<Int8Type>(array, |value| integer(value.into())),
        DataType::Int16 => each::<Int16Type>(array, |value| integer(value.into())),
        DataType::Int32 => each::<Int32Type>(array, |value| integer(value.into())),
        DataType::Int64 => each::<Int64Type>(array, integer),
        DataType::UInt8 => each::<UInt8Type>(array, |value| integer(value.into())),
        DataType::UInt16 => each::<UInt16Type>(array, |value| integer(value.into())),
        DataType::UInt32 => each::<UInt32Type>(array, |value| integer(value.into())),
        DataType::UInt64 => each::<UInt64Type>(array, |value| exact(value.into(), 0)),
        DataType::Float16 => each::<Float16Type>(array, |value| float(value.to_f64())),
        DataType::Float32 => each::<Float32Type>(array, |value| float(value.into())),
        DataType::Float64 => each::<Float64Type>(array, float),
        DataType::Decimal32(_, scale @ 0..) => each::<Decimal32Type>(array, decimal(*scale)),
        DataType::Decimal64(_, scale @ 0..) => each::<Decimal64Type>(array, decimal(*scale)),
        DataType::Decimal128(_, scale @ 0..) => each::<Decimal128Type>(array, decimal(*scale)),
        DataType::Decimal256(_, scale @ 0..) => {
            let scale = scale.unsigned_abs();
            each::<Decimal256Type>(array, move |value| exact_of_256_bits(value, scale))
        }
        _ => return None,
    })
}

fn moment(array: &dyn Array) -> Option<BoxedWords<'_>> {
    Some(match array.data_type() {
        DataType::Timestamp(unit, zone) => {
            let word = count(*unit, if zone.is_some() { INSTANT } else { MOMENT });
            match unit {
                TimeUnit::Second => each::<TimestampSecondType>(array, word),
                TimeUnit::Millisecond => each::<TimestampMillisecondType>(array, word),
                TimeUnit::Microsecond => each::<TimestampMicrosecondType>(array, word),
                TimeUnit::Nanosecond => each::<TimestampNanosecondType>(array, word),
            }
        }
        DataType::Date32 => each::<Date32Type>(array, |value| day(value.into())),
        DataType::Date64 => each::<Date64Type>(array, |value| day(value.div_euclid(MILLIS_PER_DAY))),
        DataType::Time32(TimeUnit::Second) => each::<Time32SecondType>(array, count(TimeUnit::Second, TIME)),
        DataType::Time32(unit) => each::<Time32MillisecondType>(array, count(*unit, TIME)),
        DataType::Time64(TimeUnit::Nanosecond) => {
            each::<Time64NanosecondType>(array, count(TimeUnit::Nanosecond, TIME))
        }
        DataType::Time64(unit) => each::<Time64MicrosecondType>(array, count(*unit, TIME)),
        DataType::Duration(unit) => {
            let word = count(*unit, DURATION);
            match unit {
                TimeUnit::Second => each::<DurationSecondType>(array, word),
                TimeUnit::Millisecond => each::<DurationMillisecondType>(array, word),
                TimeUnit::Microsecond => each::<DurationMicrosecondType>(array, word),
                TimeUnit::Nanosecond => each::<DurationNanosecondType>(array, word),
            }
        }
        _ => return None,
    })
}

fn bytes(array: &dyn Array) -> Option<BoxedWords<'_>> {
    Some(match array.data_type() {
        DataType::Utf8 => texts::<i32>(array),
        DataType::LargeUtf8 => texts::<i64>(array),
        DataType::Utf8View => {
            let array = array.as_string_view();
            Box::new(At(|row| xxh3_64_with_seed(array.value(row).as_bytes(), TEXT)))
        }
        DataType::Binary => binaries::<i32>(array),
        DataType::LargeBinary => binaries::<i64>(array),
        DataType::BinaryView => {
            let array = array.as_binary_view();
            Box::new(At(|row| xxh3_64_with_seed(array.value(row), BINARY)))
        }
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary();
            Box::new(At(|row| xxh3_64_with_seed(array.value(row), BINARY)))
        }
        _ => return None,
    })
}

fn texts<O: OffsetSizeTrait>(array: &dyn Array) -> BoxedWords<'_> {
    let array = array.as_string::<O>();
    stretches(array.value_offsets(), array.value_data(), TEXT)
}

fn binaries<O: OffsetSizeTrait>(array: &dyn Array) -> BoxedWords<'_> {
    let array = array.as_binary::<O>();
    stretches(array.value_offsets(), array.value_data(), BINARY)
}

fn stretches<'a, O: OffsetSizeTrait>(offsets: &'a [O], data: &'a [u8], tag: u64) -> BoxedWords<'a> {
    Box::new(At(move |row: usize| xxh3_64_with_seed(&data[offsets[row].as_usize()..offsets[row + 1].as_usize()], tag)))
}

#[inline]
fn integer(value: i64) -> u64 {
    (value as u64).wrapping_add(EXACT)
}

fn decimal<T: Into<i128>>(scale: i8) -> impl Fn(T) -> u64 {
    move |unscaled| exact(unscaled.into(), scale.unsigned_abs())
}

/// The word of `unscaled * 10^-scale`, the same for every way to write the number.
#[inline]
fn exact(unscaled: i128, scale: u8) -> u64 {
    match i64::try_from(unscaled) {
        Ok(mut value) => {
            let mut scale = if value == 0 { 0 } else { scale };
            while scale > 0 && value % 10 == 0 {
                (value, scale) = (value / 10, scale - 1);
            }
            if scale == 0 { integer(value) } else { wide(value.into(), scale) }
        }
        Err(_) => exact_of_many_digits(unscaled, scale),
    }
}

fn exact_of_many_digits(mut value: i128, mut scale: u8) -> u64 {
    while scale > 0 && value % 10 == 0 {
        (value, scale) = (value / 10, scale - 1);
    }
    match i64::try_from(value) {
        Ok(value) if scale == 0 => integer(value),
        _ => wide(value, scale),
    }
}

#[cold]
fn exact_of_256_bits(mut value: i256, mut scale: u8) -> u64 {
    let ten = i256::from(10);
    while scale > 0 && value != i256::ZERO && value % ten == i256::ZERO {
        (value, scale) = (value / ten, scale - 1);
    }
    let (low, high) = value.to_parts();
    match value.to_i128() {
        Some(value) => exact(value, scale),
        None => mix(low as u64 ^ mix((low >> 64) as u64 ^ wide(high, scale))),
    }
}

#[inline]
fn wide(value: i128, scale: u8) -> u64 {
    let high = ((value >> 64) as u64).wrapping_add(DECIMAL.wrapping_mul(2 * u64::from(scale) + 1));
    mix(value as u64 ^ mix(high))
}

#[inline]
fn float(value: f64) -> u64 {
    let bits = if value.is_nan() { NAN } else { value.to_bits() };
    bits.wrapping_add(FLOAT)
}

fn count<T: Into<i64>>(unit: TimeUnit, tag: u64) -> impl Fn(T) -> u64 {
    let nanoseconds: i64 = match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    };
    move |value| (value.into().wrapping_mul(nanoseconds) as u64).wrapping_add(tag)
}

fn day(value: i64) -> u64 {
    (value as u64).wrapping_add(DATE)
}
