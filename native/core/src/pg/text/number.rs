//! Numbers as text.

use super::super::column::Integers;
use super::super::policy::Context;
use super::malformed;
use crate::fault::Fault;
use crate::number::{Literal, POWERS, fits};

/// So many digits fit 64 bits whatever they are.
const SHORT: usize = 18;

#[inline(always)]
pub(super) fn integer(wire: Integers, value: &[u8]) -> Result<i64, Box<Fault>> {
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let value = match digits.len() {
        1..=SHORT => digits.iter().try_fold(0_i64, |value, digit| Some(value * 10 + i64::from(decimal_digit(*digit)?))),
        0 => None,
        _ => long(negative, digits),
    };
    let value = value.ok_or_else(|| malformed("no integer"))?;
    let value = if negative && digits.len() <= SHORT { -value } else { value };
    if fits_type(wire, value) { Ok(value) } else { Err(malformed("an integer beyond its type")) }
}

/// The value of many digits, with its sign.
#[cold]
fn long(negative: bool, digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = i64::from(decimal_digit(*digit)?);
        let value = value.checked_mul(10)?;
        if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
    })
}

#[inline(always)]
fn decimal_digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

#[inline(always)]
fn fits_type(wire: Integers, value: i64) -> bool {
    match wire {
        Integers::Int2 => i16::try_from(value).is_ok(),
        Integers::Int4 => i32::try_from(value).is_ok(),
        Integers::Int8 => true,
        Integers::Oid => u32::try_from(value).is_ok(),
    }
}

/// A double, or a single, whose shortest digits are the double that is meant.
pub(super) fn float(value: &[u8], context: &mut Context) -> Result<Option<f64>, Box<Fault>> {
    let Some(digits) = finite(value, context)? else {
        return Ok(None);
    };
    let value = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<f64>().ok());
    value.filter(|value| value.is_finite()).map(Some).ok_or_else(|| malformed("a number beyond its type"))
}

/// The digits of a number, none for what is null.
pub(super) fn finite<'a>(value: &'a [u8], context: &mut Context) -> Result<Option<&'a [u8]>, Box<Fault>> {
    match value {
        b"NaN" | b"Infinity" | b"-Infinity" => context.special(),
        _ if value.first() != Some(&b'+') && Literal::of_text(value).is_some() => Ok(Some(value)),
        _ => Err(malformed("no number")),
    }
}

/// The number as units of ten to the minus `scale`.
#[inline(always)]
pub(super) fn decimal(
    value: &[u8],
    precision: u8,
    scale: u8,
    context: &mut Context,
) -> Result<Option<i128>, Box<Fault>> {
    match short(value, scale) {
        Some(units) if fits(units, precision) => Ok(Some(units)),
        _ => any_decimal(value, precision, scale, context),
    }
}

/// The units of a number of few digits and no more places than there are.
#[inline(always)]
fn short(value: &[u8], scale: u8) -> Option<i128> {
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut units, mut point) = (0_u64, None);
    if digits.is_empty() || digits.len() > SHORT {
        return None;
    }
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => units = units * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let places = point.map_or(0, |point| digits.len() - point - 1);
    let units = i128::from(units) * POWERS[usize::from(scale).checked_sub(places)?];
    Some(if negative { -units } else { units })
}

#[inline(never)]
fn any_decimal(value: &[u8], precision: u8, scale: u8, context: &mut Context) -> Result<Option<i128>, Box<Fault>> {
    let Some(digits) = finite(value, context)? else {
        return Ok(None);
    };
    let units = Literal::of_text(digits).and_then(|literal| literal.scaled(i64::from(scale)).ok());
    match units.filter(|units| fits(*units, precision)) {
        Some(units) => Ok(Some(units)),
        None => Err(misfit(precision, scale)),
    }
}

#[cold]
fn misfit(precision: u8, scale: u8) -> Box<Fault> {
    Fault::value(format!("a number that does not fit decimal({precision},{scale})"))
}
