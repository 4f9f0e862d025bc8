//! `numeric`: groups of four decimal digits.

use super::super::policy::Context;
use super::super::wire::{Wire, malformed};
use crate::fault::Fault;
use crate::number::{POWERS, fits};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// Digits in a group.
const GROUP: i32 = 4;

/// A number that is one.
pub(super) struct Number<'a> {
    /// Two bytes each, below 10,000.
    groups: &'a [[u8; 2]],
    /// The first group counts this power of 10,000.
    weight: i32,
    negative: bool,
    /// Digits after the point that are to be shown.
    places: usize,
}

/// The number, none for what is null.
#[inline(always)]
pub(super) fn finite<'a>(value: &'a [u8], context: &mut Context) -> Result<Option<Number<'a>>, Box<Fault>> {
    let mut wire = Wire(value);
    let count = wire.i16()?;
    let (weight, sign, places) = (i32::from(wire.i16()?), wire.i16()? as u16, wire.i16()?);
    let (groups, rest) = wire.0.as_chunks();
    if usize::try_from(count).ok() != Some(groups.len()) || !rest.is_empty() {
        return Err(malformed("a numeric whose length is wrong"));
    }
    if !matches!(sign, 0 | NEGATIVE) {
        return special(sign, context);
    }
    if groups.iter().any(|group| i16::from_be_bytes(*group) as u16 > 9999) || places < 0 {
        return Err(malformed("a numeric with digits that are none"));
    }
    Ok(Some(Number { groups, weight, negative: sign == NEGATIVE, places: places as usize }))
}

#[cold]
fn special<'a>(sign: u16, context: &mut Context) -> Result<Option<Number<'a>>, Box<Fault>> {
    match sign {
        NAN | INFINITY | MINUS_INFINITY => context.special(),
        _ => Err(malformed("a numeric with an unknown sign")),
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
    let Some(number) = finite(value, context)? else {
        return Ok(None);
    };
    let units = number.short_units(i32::from(scale)).or_else(|| number.units(i32::from(scale)));
    match units.filter(|units| fits(*units, precision)) {
        Some(units) => Ok(Some(if number.negative { -units } else { units })),
        None => Err(misfit(precision, scale)),
    }
}

#[cold]
fn misfit(precision: u8, scale: u8) -> Box<Fault> {
    Fault::value(format!("a number that does not fit decimal({precision},{scale})"))
}

impl Number<'_> {
    /// The units of a number of up to four groups, as most are; none for others, and if a digit would be lost.
    #[inline(always)]
    fn short_units(&self, scale: i32) -> Option<i128> {
        if self.groups.len() > 4 {
            return None;
        }
        let digits = self.groups.iter().fold(0, |digits, group| digits * 10_000 + digit(group) as u64);
        let power = (self.weight + 1 - self.groups.len() as i32) * GROUP + scale;
        match power {
            0..=18 => Some(i128::from(digits) * POWERS[power as usize]),
            -3..0 => {
                let unit = POWERS[-power as usize] as u64;
                digits.is_multiple_of(unit).then(|| i128::from(digits / unit))
            }
            _ => None,
        }
    }

    /// The units of any number; none if it has more digits than there is room for.
    #[inline(never)]
    fn units(&self, scale: i32) -> Option<i128> {
        let mut units: i128 = 0;
        let mut missing = 0;
        for (index, group) in self.groups.iter().enumerate() {
            let value = digit(group);
            // What the last digit of this group counts, in digits of the result.
            missing = (self.weight - index as i32) * GROUP + scale;
            let dropped = (-missing).clamp(0, GROUP) as usize;
            if value % POWERS[dropped] != 0 {
                return None;
            }
            units = units.checked_mul(POWERS[4 - dropped])?.checked_add(value / POWERS[dropped])?;
        }
        match usize::try_from(missing) {
            Ok(_) if units == 0 => Some(0),
            Ok(missing) => units.checked_mul(*POWERS.get(missing)?),
            Err(_) => Some(units),
        }
    }

    /// Appends the number as PostgreSQL shows it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let start = out.len();
        for power in (0..=self.weight.max(0)).rev() {
            out.extend_from_slice(&self.group(power));
        }
        let zeros = out[start..].iter().take_while(|digit| **digit == b'0').count();
        out.drain(start..start + zeros.min(out.len() - start - 1));
        if self.places > 0 {
            out.push(b'.');
            let end = out.len() + self.places;
            for power in 1..=self.places.div_ceil(GROUP as usize) {
                out.extend_from_slice(&self.group(-(power as i32)));
            }
            out.truncate(end);
        }
    }

    /// The four digits that count a power of 10,000.
    fn group(&self, power: i32) -> [u8; 4] {
        let index = usize::try_from(self.weight - power).ok();
        let value = index.and_then(|index| self.groups.get(index)).map_or(0, digit);
        [1000, 100, 10, 1].map(|unit| b'0' + (value / unit % 10) as u8)
    }
}

#[inline(always)]
fn digit(group: &[u8; 2]) -> i128 {
    i128::from(i16::from_be_bytes(*group))
}
