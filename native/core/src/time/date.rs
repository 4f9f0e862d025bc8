//! `YYYY-MM-DD`.

use super::{all_digits, pairs};

/// Days since 1970-01-01 of a date in the years 1 to 9999.
#[inline(always)]
pub(super) fn days(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, dash1, m1, m2, dash2, d1, d2] = *text;
    let digits = u64::from_le_bytes([y1, y2, y3, y4, m1, m2, d1, d2]);
    if !all_digits(digits) || dash1 != b'-' || dash2 != b'-' {
        return None;
    }
    let [century, year, month, day] = pairs(digits);
    let year = century * 100 + year;
    let valid = year >= 1 && month.wrapping_sub(1) < 12 && day >= 1 && day <= days_in_month(year, month);
    valid.then(|| since_epoch(year, month, day))
}

#[inline(always)]
fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        // Odd months have 31 days up to July, even ones from August on.
        _ => 30 | (month ^ (month >> 3)) & 1,
    }
}

/// Years are counted from March, so that the leap day is the last of its year (Howard Hinnant's `days_from_civil`).
#[inline(always)]
fn since_epoch(year: u32, month: u32, day: u32) -> i32 {
    let year = year - u32::from(month <= 2);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    days as i32 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &[u8]) -> Option<i32> {
        days(text.try_into().ok()?)
    }

    #[test]
    fn every_day_of_the_calendar_follows_the_one_before() {
        let mut expected = -719_162;
        for year in 1..=9999_u32 {
            for month in 1..=12_u32 {
                for day in 1..=31_u32 {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    if let Some(days) = date(text.as_bytes()) {
                        assert_eq!(days, expected, "{text}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, 2_932_897);
        assert_eq!(date(b"1970-01-01"), Some(0));
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-01-32",
            "0000-01-01",
            "2024-1-01",
            "24-01-01",
            "2024/01/01",
            "2024-01-01 ",
            "20240101",
            "",
            "2024-01-0x",
        ] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        assert!(date(b"2000-02-29").is_some());
    }
}
