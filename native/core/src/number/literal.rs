//! A number as it is written.

use crate::fault::{Fault, Parsed};

use super::POWERS;

/// The parts of a number's text. Nothing has been rounded yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Literal<'a> {
    pub(crate) negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    /// Saturated: a power of ten beyond 64 bits fits nothing anyway.
    exponent: i64,
    /// The position after the number.
    pub(crate) end: usize,
}

/// Why a number has no exact form in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It has more digits after the point than the scale.
    Fraction,
    /// It is too large.
    Magnitude,
}

impl<'a> Literal<'a> {
    /// Reads the number at `pos` by JSON's grammar.
    pub(crate) fn scan(bytes: &'a [u8], pos: usize) -> Result<Literal<'a>, Box<Fault>> {
        let negative = bytes.get(pos) == Some(&b'-');
        let start = pos + usize::from(negative);
        let point = digits_end(bytes, start);
        if point == start {
            return Err(Fault::syntax(start, if negative { "a digit" } else { "a value" }));
        }
        if point > start + 1 && bytes[start] == b'0' {
            return Err(Fault::syntax(start + 1, "no digit after a leading zero"));
        }
        let (fraction, end) = match bytes.get(point) {
            Some(b'.') => some_digits(bytes, point + 1).map(|end| (&bytes[point + 1..end], end))?,
            _ => (&bytes[..0], point),
        };
        let (exponent, end) = exponent(bytes, end)?;
        Ok(Literal { negative, whole: &bytes[start..point], fraction, exponent, end })
    }

    /// Reads a decimal as programs print them in strings: a `+`, a missing whole or fraction and leading zeros are fine.
    pub(crate) fn of_text(text: &'a [u8]) -> Option<Literal<'a>> {
        let negative = text.first() == Some(&b'-');
        let start = usize::from(negative || text.first() == Some(&b'+'));
        let point = digits_end(text, start);
        let (fraction, end) = match text.get(point) {
            Some(b'.') => {
                let end = digits_end(text, point + 1);
                (&text[point + 1..end], end)
            }
            _ => (&text[..0], point),
        };
        let (exponent, end) = exponent(text, end).ok()?;
        let whole = &text[start..point];
        let complete = end == text.len() && !(whole.is_empty() && fraction.is_empty());
        complete.then_some(Literal { negative, whole, fraction, exponent, end })
    }

    /// The number times ten to the `scale`, if that is an integer an `i128` holds.
    pub(crate) fn scaled(&self, scale: i64) -> Result<i128, Misfit> {
        let (digits, zeros) = self.significant();
        if digits == 0 {
            return Ok(0);
        }
        let shift = self.power().saturating_add(zeros as i64).saturating_add(scale);
        if shift < 0 {
            return Err(Misfit::Fraction);
        }
        if shift.saturating_add(digits as i64) > 38 {
            return Err(Misfit::Magnitude);
        }
        let magnitude = self.digits().take(digits).fold(0, |value: i128, digit| value * 10 + i128::from(digit - b'0'));
        let value = magnitude * POWERS[shift as usize];
        Ok(if self.negative { -value } else { value })
    }

    /// Whether the value is whole, as JSON Schema means it: `5.0` and `5e2` are.
    pub(crate) fn is_integer(&self) -> bool {
        self.scaled(0) != Err(Misfit::Fraction)
    }

    /// The power of ten of the last digit.
    fn power(&self) -> i64 {
        self.exponent.saturating_sub(self.fraction.len() as i64)
    }

    /// How many digits matter, leading zeros not counted, and how many zeros follow them.
    fn significant(&self) -> (usize, usize) {
        let count = self.digits().count();
        let zeros = self.whole.iter().chain(self.fraction).rev().take_while(|&&digit| digit == b'0').count();
        if count == 0 { (0, 0) } else { (count - zeros, zeros) }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        self.whole.iter().chain(self.fraction).copied().skip_while(|&digit| digit == b'0')
    }
}

fn digits_end(bytes: &[u8], pos: usize) -> usize {
    let rest = bytes.get(pos..).unwrap_or_default();
    pos + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
}

fn some_digits(bytes: &[u8], pos: usize) -> Parsed {
    let end = digits_end(bytes, pos);
    if end == pos { Err(Fault::syntax(pos, "a digit")) } else { Ok(end) }
}

/// The exponent at `pos`, 0 if there is none, and the position after it.
fn exponent(bytes: &[u8], pos: usize) -> Result<(i64, usize), Box<Fault>> {
    if !matches!(bytes.get(pos), Some(b'e' | b'E')) {
        return Ok((0, pos));
    }
    let negative = bytes.get(pos + 1) == Some(&b'-');
    let start = pos + 1 + usize::from(matches!(bytes.get(pos + 1), Some(b'-' | b'+')));
    let end = some_digits(bytes, start)?;
    let magnitude = bytes[start..end]
        .iter()
        .fold(0_i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Ok((if negative { -magnitude } else { magnitude }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(text: &str, scale: i64) -> Result<i128, Misfit> {
        let literal = Literal::scan(text.as_bytes(), 0).expect(text);
        assert_eq!(literal.end, text.len());
        literal.scaled(scale)
    }

    #[test]
    fn the_grammar_is_jsons() {
        for text in ["-", "01", "-01", "1.", ".1", "1e", "1e+", "+1", "x", ""] {
            assert!(Literal::scan(text.as_bytes(), 0).is_err(), "{text}");
        }
    }

    #[test]
    fn scaling_is_exact() {
        assert_eq!(scaled("12.34", 2), Ok(1234));
        assert_eq!(scaled("-12.3400", 2), Ok(-1234));
        assert_eq!(scaled("12.34", 4), Ok(123_400));
        assert_eq!(scaled("5e2", 0), Ok(500));
        assert_eq!(scaled("500e-2", 0), Ok(5));
        assert_eq!(scaled("0.000", 0), Ok(0));
        assert_eq!(scaled("-0", 0), Ok(0));
        assert_eq!(scaled("0e999999999999999999999", 0), Ok(0));
        assert_eq!(scaled("99999999999999999999999999999999999999", 0), Ok(POWERS[38] - 1));
    }

    #[test]
    fn what_has_no_exact_form_says_why() {
        assert_eq!(scaled("12.345", 2), Err(Misfit::Fraction));
        assert_eq!(scaled("1e-400", 9), Err(Misfit::Fraction));
        assert_eq!(scaled("1e-99999999999999999999", 9), Err(Misfit::Fraction));
        assert_eq!(scaled("1e38", 0), Err(Misfit::Magnitude));
        assert_eq!(scaled("1e99999999999999999999", 0), Err(Misfit::Magnitude));
        assert_eq!(scaled("100000000000000000000000000000000000000", 0), Err(Misfit::Magnitude));
    }

    #[test]
    fn text_is_read_as_programs_print_it() {
        let value = |text: &str| Literal::of_text(text.as_bytes()).map(|literal| literal.scaled(3));
        assert_eq!(value("+1.5"), Some(Ok(1500)));
        assert_eq!(value(".5"), Some(Ok(500)));
        assert_eq!(value("5."), Some(Ok(5000)));
        assert_eq!(value("007"), Some(Ok(7000)));
        assert_eq!(value("1.5E+3"), Some(Ok(1_500_000)));
        for text in ["", "-", ".", "e5", "1 ", " 1", "NaN", "1,5", "0x1", "1e"] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
