//! `minimum`, `maximum`, their exclusive forms, and `multipleOf`.

use serde_json::Number;

use super::constant::Exact;
use crate::number::{Literal, Misfit, POWERS};

/// One side of a range, as the schema gives it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) text: String,
    pub(crate) exclusive: bool,
}

impl Bound {
    pub(super) fn new(number: &Number, exclusive: bool) -> Bound {
        Bound { text: number.to_string(), exclusive }
    }

    pub(super) fn as_float(&self) -> f64 {
        self.text.parse().unwrap_or(f64::NAN)
    }

    /// The bound in units of ten to the minus `scale`, rounded down, and whether it had to be rounded. Saturates.
    fn floor(&self, scale: u8) -> (i128, bool) {
        let Some(literal) = Literal::of_text(self.text.as_bytes()) else {
            return (0, true);
        };
        match literal.scaled(i64::from(scale)) {
            Ok(units) => (units, false),
            Err(Misfit::Magnitude) => (if literal.negative { i128::MIN } else { i128::MAX }, true),
            Err(Misfit::Fraction) => match literal.scaled(i64::from(scale) + 15) {
                Ok(fine) => (fine.div_euclid(POWERS[15]), true),
                Err(_) => ((self.as_float() * 10_f64.powi(i32::from(scale))).floor() as i128, true),
            },
        }
    }
}

/// The numbers a property may have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
    pub(crate) multiple: Option<String>,
}

impl Limits {
    pub(super) fn is_empty(&self) -> bool {
        self.low.is_none() && self.high.is_none() && self.multiple.is_none()
    }

    /// The range as whole units of ten to the minus `scale`, both ends included.
    pub(super) fn units(&self, scale: u8) -> (i128, i128) {
        let low = self.low.as_ref().map_or(i128::MIN, |bound| {
            let (floor, rounded) = bound.floor(scale);
            floor.saturating_add(i128::from(rounded || bound.exclusive))
        });
        let high = self.high.as_ref().map_or(i128::MAX, |bound| {
            let (floor, rounded) = bound.floor(scale);
            floor.saturating_sub(i128::from(bound.exclusive && !rounded))
        });
        (low, high)
    }

    /// `multipleOf` in whole units of ten to the minus `scale`; none if it is finer than they are.
    pub(super) fn multiple_units(&self, scale: u8) -> Option<i128> {
        let literal = Literal::of_text(self.multiple.as_ref()?.as_bytes())?;
        literal.scaled(i64::from(scale)).ok().filter(|&units| units > 0)
    }

    /// Checks a number by its text.
    pub(super) fn check(&self, text: &[u8]) -> Result<(), String> {
        let value = Exact::of(text).ok_or_else(|| "expected number".to_string())?;
        if self.low.as_ref().is_some_and(|bound| !beyond(&value, bound, false)) {
            return Err(self.below());
        }
        if self.high.as_ref().is_some_and(|bound| !beyond(&value, bound, true)) {
            return Err(self.above());
        }
        match &self.multiple {
            Some(multiple) if !is_multiple(&value, multiple) => Err(self.uneven()),
            _ => Ok(()),
        }
    }

    #[cold]
    pub(super) fn below(&self) -> String {
        self.low.as_ref().map_or_else(String::new, |bound| match bound.exclusive {
            true => format!("not greater than {}", bound.text),
            false => format!("less than the minimum {}", bound.text),
        })
    }

    #[cold]
    pub(super) fn above(&self) -> String {
        self.high.as_ref().map_or_else(String::new, |bound| match bound.exclusive {
            true => format!("not less than {}", bound.text),
            false => format!("greater than the maximum {}", bound.text),
        })
    }

    #[cold]
    pub(super) fn uneven(&self) -> String {
        format!("not a multiple of {}", self.multiple.as_deref().unwrap_or_default())
    }
}

/// Whether `value` is on the right side of `bound`: below it if `above` is set, else above it.
fn beyond(value: &Exact, bound: &Bound, above: bool) -> bool {
    let ordering = match (value, Exact::of(bound.text.as_bytes())) {
        (Exact::Units(value), Some(Exact::Units(bound))) => value.partial_cmp(&bound),
        (value, _) => as_float(value).partial_cmp(&bound.as_float()),
    };
    ordering.is_some_and(|ordering| match above {
        true => ordering.is_lt() || (ordering.is_eq() && !bound.exclusive),
        false => ordering.is_gt() || (ordering.is_eq() && !bound.exclusive),
    })
}

fn is_multiple(value: &Exact, multiple: &str) -> bool {
    match (value, Exact::of(multiple.as_bytes())) {
        (Exact::Units(value), Some(Exact::Units(multiple))) if multiple != 0 => value % multiple == 0,
        (value, _) => (as_float(value) / multiple.parse::<f64>().unwrap_or(f64::NAN)).fract() == 0.0,
    }
}

fn as_float(value: &Exact) -> f64 {
    match *value {
        Exact::Units(units) => units as f64 / 1e18,
        Exact::Rounded(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(low: Option<(&str, bool)>, high: Option<(&str, bool)>, multiple: Option<&str>) -> Limits {
        let bound = |(text, exclusive): (&str, bool)| Bound { text: text.into(), exclusive };
        Limits { low: low.map(bound), high: high.map(bound), multiple: multiple.map(Into::into) }
    }

    #[test]
    fn ranges_in_units_include_both_ends() {
        assert_eq!(limits(Some(("0", false)), Some(("10", true)), None).units(0), (0, 9));
        assert_eq!(limits(Some(("0.5", false)), Some(("9.5", true)), None).units(0), (1, 9));
        assert_eq!(limits(Some(("-0.5", true)), Some(("-0.1", false)), None).units(0), (0, -1));
        assert_eq!(limits(Some(("0.005", false)), Some(("1.23", true)), None).units(2), (1, 122));
        assert_eq!(limits(None, Some(("1e60", false)), None).units(2), (i128::MIN, i128::MAX));
        assert_eq!(limits(Some(("1e-30", false)), None, None).units(0).0, 1);
    }

    #[test]
    fn text_is_checked_exactly() {
        let range = limits(Some(("0", true)), Some(("9007199254740993", false)), None);
        assert!(range.check(b"9007199254740993").is_ok());
        assert_eq!(range.check(b"9007199254740994").unwrap_err(), "greater than the maximum 9007199254740993");
        assert_eq!(range.check(b"0.0").unwrap_err(), "not greater than 0");
        assert!(range.check(b"1e-30").is_ok());
        assert!(range.check(b"1e300").is_err());
    }

    #[test]
    fn multiples_have_no_rounding_errors() {
        let cents = limits(None, None, Some("0.01"));
        assert!(cents.check(b"0.07").is_ok() && cents.check(b"1234567.89").is_ok() && cents.check(b"0").is_ok());
        assert_eq!(cents.check(b"0.071").unwrap_err(), "not a multiple of 0.01");
        assert_eq!(cents.multiple_units(2), Some(1));
        assert_eq!(cents.multiple_units(1), None);
        assert!(limits(None, None, Some("7")).check(b"21.0").is_ok());
    }
}
