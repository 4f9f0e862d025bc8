//! JSON Schema assertions, checked as values are decoded.
//!
//! [`Shape`] is a schema parsed into types. [`Rules`] are what is left of it to check for one column: what the column's
//! type guarantees anyway is dropped, and the rest is checked on the value just decoded or, failing that, on its text.

mod constant;
mod format;
mod limits;
mod parse;
mod rules;
mod shape;
mod text;

pub(crate) use parse::parse;
pub(crate) use rules::Rules;
pub(crate) use shape::{MISSING, Shape};

/// Why a schema is not checked natively: the JSON pointer of the keyword, and the reason.
#[derive(Debug, PartialEq)]
pub(crate) struct Unsupported {
    pub(crate) path: String,
    pub(crate) message: String,
}
