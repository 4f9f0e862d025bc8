//! `enum` and `const`.

use serde_json::Value;

use crate::number::{Literal, Misfit};

/// A value that a property may have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Null,
    Boolean(bool),
    Number(Exact),
    String(Vec<u8>),
}

/// A number by its value: `1`, `1.0` and `10e-1` are the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Exact {
    /// Units of ten to the minus eighteen.
    Units(i128),
    /// Numbers with more digits than that, or larger ones.
    Rounded(f64),
}

const PLACES: i64 = 18;

impl Exact {
    pub(crate) fn of(text: &[u8]) -> Option<Exact> {
        let literal = Literal::of_text(text)?;
        match literal.scaled(PLACES) {
            Ok(units) => Some(Exact::Units(units)),
            Err(Misfit::Fraction | Misfit::Magnitude) => {
                std::str::from_utf8(text).ok()?.parse().ok().map(Exact::Rounded)
            }
        }
    }
}

impl Constant {
    /// The constant that a schema names; none for arrays and objects.
    pub(super) fn new(value: &Value) -> Option<Constant> {
        match value {
            Value::Null => Some(Constant::Null),
            Value::Bool(value) => Some(Constant::Boolean(*value)),
            Value::Number(number) => Exact::of(number.to_string().as_bytes()).map(Constant::Number),
            Value::String(text) => Some(Constant::String(text.as_bytes().to_vec())),
            Value::Array(_) | Value::Object(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        assert_eq!(Exact::of(b"1"), Exact::of(b"10e-1"));
        assert_eq!(Exact::of(b"1.50"), Exact::of(b"1.5"));
        assert_ne!(Exact::of(b"9007199254740993"), Exact::of(b"9007199254740992"));
        assert_eq!(Exact::of(b"1e300"), Exact::of(b"10e299"));
    }
}
