//! A column with the rules its values must satisfy.

use super::Builder;
use super::context::Context;
use crate::fault::Parsed;
use crate::scan::null_end;
use crate::validate::Rules;

/// Where the values of one property (or of an array's items) go.
pub(crate) struct Cell {
    pub(crate) builder: Builder,
    rules: Option<Box<Rules>>,
}

impl Cell {
    /// Any value of the column's type will do.
    pub(crate) fn plain(builder: Builder) -> Cell {
        Cell { builder, rules: None }
    }

    pub(crate) fn with_rules(builder: Builder, rules: Option<Rules>) -> Cell {
        Cell { builder, rules: rules.map(Box::new) }
    }

    /// Sets `row`, the last one, which has no value yet, to the value at `pos`.
    #[inline(always)]
    pub(crate) fn decode(&mut self, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        // Columns lag behind, so there is nothing to do for a null.
        let end = match null_end(bytes, pos) {
            Some(end) => end,
            None => self.builder.decode(row, bytes, pos, context)?,
        };
        match &self.rules {
            None => Ok(end),
            Some(rules) => rules.hold(&self.builder, row, bytes, pos, context).map(|()| end),
        }
    }
}
