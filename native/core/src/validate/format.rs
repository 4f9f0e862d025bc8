//! `format`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::columns::parse_uuid;
use crate::time;

/// The formats that are checked; any other is an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    DateTime,
    Date,
    Time,
    Uuid,
    Email,
    Ipv4,
    Ipv6,
    Uri,
    Hostname,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Format> {
        Some(match name {
            "date-time" => Format::DateTime,
            "date" => Format::Date,
            "time" => Format::Time,
            "uuid" => Format::Uuid,
            "email" => Format::Email,
            "ipv4" => Format::Ipv4,
            "ipv6" => Format::Ipv6,
            "uri" => Format::Uri,
            "hostname" => Format::Hostname,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Format::DateTime => "date-time",
            Format::Date => "date",
            Format::Time => "time",
            Format::Uuid => "uuid",
            Format::Email => "email",
            Format::Ipv4 => "ipv4",
            Format::Ipv6 => "ipv6",
            Format::Uri => "uri",
            Format::Hostname => "hostname",
        }
    }

    /// Whether `text` has the format. Dates and times are as lenient as the columns that hold them.
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Format::DateTime => time::moment(text.as_bytes()).is_some(),
            Format::Date => time::date_of_midnight(text.as_bytes()).is_some(),
            Format::Time => time::time_of_day(text.as_bytes()).is_some(),
            Format::Uuid => parse_uuid(text.as_bytes()).is_some(),
            Format::Email => is_email(text),
            Format::Ipv4 => Ipv4Addr::from_str(text).is_ok(),
            Format::Ipv6 => Ipv6Addr::from_str(text).is_ok(),
            Format::Uri => is_uri(text),
            Format::Hostname => is_hostname(text),
        }
    }
}

/// RFC 5321 in its usual form: something without space, an `@`, a host.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let plain = !local.is_empty() && !local.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    (quoted || plain) && local.len() <= 64 && (address.is_some() || is_hostname(host))
}

/// RFC 1123: labels of letters, digits and hyphens (letters of any script, as in RFC 5890).
fn is_hostname(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    !name.is_empty() && name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let inside = label.chars().all(|c| c.is_alphanumeric() || c == '-');
    inside && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
}

/// RFC 3986: a scheme, a colon, and no character that needs percent-encoding.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.bytes();
    let named = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || b"+-.".contains(&letter));
    named
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
        && percent_encoded(rest)
}

fn percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, good: &[&str], bad: &[&str]) {
        let format = Format::named(format).expect("a known format");
        for text in good {
            assert!(format.accepts(text), "{text:?} is a {}", format.name());
        }
        for text in bad {
            assert!(!format.accepts(text), "{text:?} is no {}", format.name());
        }
    }

    #[test]
    fn formats_tell_good_from_bad() {
        check("date-time", &["2024-01-01T00:00:00Z", "2024-01-01 00:00:00"], &["yesterday", "2024-13-01T00:00:00Z"]);
        check("date", &["2024-02-29"], &["2023-02-29", "1/2/2024"]);
        check("time", &["12:00:00", "12:00"], &["25:00:00"]);
        check("uuid", &["00112233-4455-6677-8899-aabbccddeeff"], &["0011"]);
        check(
            "email",
            &["a.b+c@example.com", "\"a b\"@x.org", "a@[127.0.0.1]"],
            &["a", "a@", "@b.c", "a b@c.d", "a@-b.c"],
        );
        check("ipv4", &["127.0.0.1"], &["127.0.0", "256.0.0.1", "127.0.0.01"]);
        check("ipv6", &["::1", "fe80::1"], &["1::2::3", "127.0.0.1"]);
        check(
            "uri",
            &["https://a.b/c?d=e%20f#g", "urn:x:y", "mailto:a@b.c"],
            &["a/b", "http://a b", "1x:y", "http://a/%2"],
        );
        check("hostname", &["a-b.example.com", "localhost", "xn--bcher-kva.example"], &["", "-a.b", "a..b", "a_b"]);
    }

    #[test]
    fn every_format_is_found_by_its_name() {
        assert_eq!(Format::named("date-time").map(Format::name), Some("date-time"));
        assert_eq!(Format::named("color"), None);
    }
}
