//! `minLength`, `maxLength`, `pattern` and `format`.

use regex::Regex;

use super::format::Format;

/// The strings a property may have.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextRules {
    pub(crate) shortest: usize,
    pub(crate) longest: Option<usize>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) format: Option<Format>,
}

impl TextRules {
    pub(super) fn is_empty(&self) -> bool {
        self.shortest == 0 && self.longest.is_none() && self.pattern.is_none() && self.format.is_none()
    }

    /// Whether at most a format is asserted, which a column of that kind ensures.
    pub(super) fn is_format_only(&self) -> bool {
        self.shortest == 0 && self.longest.is_none() && self.pattern.is_none()
    }

    /// Checks a string; lengths count code points.
    pub(super) fn check(&self, text: &[u8]) -> Result<(), String> {
        self.check_length(text)?;
        if self.pattern.is_none() && self.format.is_none() {
            return Ok(());
        }
        let text = std::str::from_utf8(text).map_err(|_| "not UTF-8".to_string())?;
        match (&self.pattern, self.format) {
            (Some(pattern), _) if !pattern.is_match(text) => Err(format!("does not match the pattern {pattern}")),
            (_, Some(format)) if !format.accepts(text) => Err(format!("not a valid {}", format.name())),
            _ => Ok(()),
        }
    }

    fn check_length(&self, text: &[u8]) -> Result<(), String> {
        let longest = self.longest.unwrap_or(usize::MAX);
        // A code point takes one to four bytes, so the bytes alone decide most cases.
        if text.len() / 4 >= self.shortest && text.len() <= longest {
            return Ok(());
        }
        let length = text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        if length < self.shortest {
            return Err(format!("shorter than {} characters", self.shortest));
        }
        if length > longest {
            return Err(format!("longer than {longest} characters"));
        }
        Ok(())
    }
}

/// Compiles a pattern of ECMA 262, where `\d`, `\w` and `\b` know ASCII alone.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    let mut translated = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match (characters.next(), in_class) {
                (Some('d'), false) => translated.push_str("[0-9]"),
                (Some('d'), true) => translated.push_str("0-9"),
                (Some('D'), false) => translated.push_str("[^0-9]"),
                (Some('w'), false) => translated.push_str("[A-Za-z0-9_]"),
                (Some('w'), true) => translated.push_str("A-Za-z0-9_"),
                (Some('W'), false) => translated.push_str("[^A-Za-z0-9_]"),
                (Some(word @ ('b' | 'B')), false) => translated += &format!("(?-u:\\{word})"),
                (Some('/'), _) => translated.push('/'),
                (Some(other), _) => translated.extend(['\\', other]),
                (None, _) => translated.push('\\'),
            },
            '[' if in_class => translated.push_str("\\["),
            // `&&`, `--` and `~~` are set operations in Rust's classes and plain characters in ECMA's.
            '&' | '~' if in_class => translated.extend(['\\', character]),
            _ => {
                in_class = (in_class || character == '[') && character != ']';
                translated.push(character);
            }
        }
    }
    Regex::new(&translated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_not_bytes() {
        let rules = TextRules { shortest: 2, longest: Some(3), ..TextRules::default() };
        for text in ["éé", "ééé", "日本", "abc"] {
            assert!(rules.check(text.as_bytes()).is_ok(), "{text}");
        }
        assert_eq!(rules.check("é".as_bytes()).unwrap_err(), "shorter than 2 characters");
        assert_eq!(rules.check("日本日本".as_bytes()).unwrap_err(), "longer than 3 characters");
    }

    #[test]
    fn patterns_search_as_in_ecma_262() {
        let matches = |pattern: &str, text: &str| compile(pattern).expect(pattern).is_match(text);
        assert!(matches("b", "abc"));
        assert!(matches(r"^\d{3}$", "123") && !matches(r"^\d$", "٣"));
        assert!(matches(r"^[\w-]+$", "a_b-c") && !matches(r"^\w$", "é"));
        assert!(matches(r"^\/a\/$", "/a/"));
        assert!(matches(r"^[a[]$", "[") && matches(r"^[&&a]+$", "&a"));
        assert!(matches(r"\bcat\b", "a cat") && !matches(r"\bcat\b", "concat"));
        assert!(matches(r"^\D\W$", "x!") && matches(r"^\p{L}$", "é") && matches(r"^\.$", "."));
    }

    #[test]
    fn what_has_no_finite_automaton_is_an_error() {
        assert!(compile(r"(?=a)b").is_err());
        assert!(compile(r"(a)\1").is_err());
    }
}
