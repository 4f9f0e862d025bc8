//! `HH:MM:SS.ffffff` and what follows it.

use super::{MICROS_PER_SECOND, all_digits, pairs};

/// Microseconds since midnight of `HH:MM[:SS[.f…]]`, with nothing or a zero offset behind it.
pub(crate) fn time_of_day(text: &[u8]) -> Option<i64> {
    let (micros, rest) = match text.first_chunk::<8>() {
        Some(clock) if clock[5] == b':' => fraction(seconds(clock)?, &text[8..])?,
        _ if text.get(5) == Some(&b'.') => return None,
        _ => fraction(seconds(&minutes_only(text)?)?, text.get(5..)?)?,
    };
    (offset(rest)?.unwrap_or(0) == 0).then_some(micros)
}

/// `HH:MM` with its seconds made up.
fn minutes_only(text: &[u8]) -> Option<[u8; 8]> {
    let [h1, h2, colon, m1, m2] = *text.first_chunk::<5>()?;
    Some([h1, h2, colon, m1, m2, b':', b'0', b'0'])
}

/// Seconds since midnight of `HH:MM:SS`.
#[inline(always)]
pub(super) fn seconds(text: &[u8; 8]) -> Option<u32> {
    let [h1, h2, colon1, m1, m2, colon2, s1, s2] = *text;
    let digits = u64::from_le_bytes([h1, h2, m1, m2, s1, s2, b'0', b'0']);
    if !all_digits(digits) || colon1 != b':' || colon2 != b':' {
        return None;
    }
    let [hour, minute, second, _] = pairs(digits);
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Whole seconds with the fraction that may be at the start of `rest`, in microseconds, and what follows. Digits beyond
/// microseconds are cut off.
#[inline(always)]
pub(super) fn fraction(seconds: u32, rest: &[u8]) -> Option<(i64, &[u8])> {
    let whole = i64::from(seconds) * MICROS_PER_SECOND;
    let [b'.', digits @ ..] = rest else {
        return Some((whole, rest));
    };
    let count = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let micros = (0..6).fold(0, |value, place| {
        let digit = if place < count { digits[place] - b'0' } else { 0 };
        value * 10 + i64::from(digit)
    });
    (count > 0).then_some((whole + micros, &digits[count..]))
}

/// The offset from UTC that `text` is, in seconds: `Z`, `±hh:mm`, `±hhmm`, `±hh`; none inside for an empty text.
#[inline(always)]
pub(super) fn offset(text: &[u8]) -> Option<Option<i32>> {
    match *text {
        [] => Some(None),
        [b'Z' | b'z'] => Some(Some(0)),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => signed(sign, two(h1, h2)?, two(m1, m2)?).map(Some),
        [sign, h1, h2] => signed(sign, two(h1, h2)?, 0).map(Some),
        _ => None,
    }
}

fn signed(sign: u8, hours: i32, minutes: i32) -> Option<i32> {
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        time_of_day(text.as_bytes())
    }

    #[test]
    fn times_of_day_in_all_their_forms() {
        assert_eq!(micros("00:00"), Some(0));
        assert_eq!(micros("01:02"), Some(3_720_000_000));
        assert_eq!(micros("23:59:59"), Some(86_399_000_000));
        assert_eq!(micros("23:59:59.9"), Some(86_399_900_000));
        assert_eq!(micros("00:00:00.1234567Z"), Some(123_456));
        assert_eq!(micros("12:00:00+00:00"), Some(43_200_000_000));
        assert_eq!(micros("12:00Z"), Some(43_200_000_000));
        assert_eq!(micros("12:00-0000"), Some(43_200_000_000));
    }

    #[test]
    fn what_no_clock_shows_is_refused() {
        for text in [
            "24:00:00",
            "12:60:00",
            "12:00:60",
            "12",
            "12:0",
            "12:00:0",
            "12:00:00.",
            "12:00:00+02:00",
            "1:00:00",
            "12:00.5",
            "12:00:00 ",
            "12-00-00",
            "",
            "12:00:00.x",
            "12:00+01",
            "ab:cd:ef",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_in_all_their_forms() {
        for (text, seconds) in
            [("Z", 0), ("z", 0), ("+02:00", 7200), ("-0530", -19_800), ("+14", 50_400), ("-00:00", 0)]
        {
            assert_eq!(offset(text.as_bytes()), Some(Some(seconds)), "{text}");
        }
        assert_eq!(offset(b""), Some(None));
        for text in ["+24:00", "+01:60", "+1", "+1:00", "02:00", "ZZ", "+ab", "+01:0", " Z", "*01"] {
            assert_eq!(offset(text.as_bytes()), None, "{text}");
        }
    }
}
