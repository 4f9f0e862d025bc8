//! Numbers for `float64` columns.

use super::digits::short;
use super::literal::Literal;
use crate::fault::Fault;
use crate::scan::NEAR;

/// Powers of ten that a double holds exactly and that eight places may need.
const EXACT: [f64; 9] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/// A short number at the start of `near`, rounded correctly, and the length of its text; none for any other shape.
///
/// Digits below 2^53 and a power of ten up to 10^22 are exact doubles, so their quotient is rounded once: Clinger's fast
/// path.
#[inline(always)]
pub(crate) fn float_fast(near: &[u8; NEAR]) -> Option<(f64, usize)> {
    if near[0] == b'-' { negative(near) } else { magnitude(near, 0) }
}

#[inline(never)]
fn negative(near: &[u8; NEAR]) -> Option<(f64, usize)> {
    magnitude(near, 1).map(|(value, length)| (-value, length))
}

/// The number after `sign` bytes, and the length of both.
#[inline(always)]
fn magnitude(near: &[u8; NEAR], sign: usize) -> Option<(f64, usize)> {
    let number = short(near, sign)?;
    if number.digits >= 1 << 53 {
        return None;
    }
    Some((number.digits as f64 / EXACT[number.places], number.length))
}

/// Any number at `pos`, rounded correctly.
#[cold]
pub(crate) fn float(bytes: &[u8], pos: usize) -> Result<(f64, usize), Box<Fault>> {
    let end = Literal::scan(bytes, pos)?.end;
    let value = std::str::from_utf8(&bytes[pos..end]).ok().and_then(|text| text.parse::<f64>().ok());
    match value {
        Some(value) if value.is_finite() => Ok((value, end)),
        _ => Err(Fault::value("number out of range of a double")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fast(text: &str) -> Option<f64> {
        float_fast(format!("{text}, {}", "x".repeat(NEAR)).as_bytes().first_chunk()?).map(|(value, length)| {
            assert_eq!(length, text.len());
            value
        })
    }

    #[test]
    fn the_fast_path_rounds_as_the_general_one() {
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let whole = (seed >> 33) % 10_u64.pow((seed >> 20) as u32 % 6 + 1);
            let places = (seed >> 24) as usize % 8 + 1;
            let text = format!("-{whole}.{:0places$}", (seed >> 8) % 10_u64.pow(places as u32));
            let Some(value) = fast(&text) else { panic!("{text} is short") };
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }

    #[test]
    fn beyond_53_bits_the_general_path_rounds() {
        assert_eq!(fast("90071992.54740993"), None);
        assert_eq!(fast("-0"), Some(0.0));
        assert!(fast("-0").unwrap().is_sign_negative());
    }

    #[test]
    fn any_number_is_read() {
        for text in ["1e-7", "0.30000000000000004", "123456789012345678901234567890", "5e-324", "-0.0", "1E+2"] {
            let (value, end) = float(text.as_bytes(), 0).unwrap();
            assert_eq!((value.to_bits(), end), (text.parse::<f64>().unwrap().to_bits(), text.len()));
        }
    }

    #[test]
    fn overflow_is_refused_and_underflow_is_zero() {
        assert!(float(b"1e400", 0).unwrap_err().reason(0).contains("out of range"));
        assert_eq!(float(b"1e-400", 0).unwrap().0, 0.0);
    }
}
