//! A column with the rules its values must satisfy.

use super::Builder;
use super::context::Context;
use crate::fault::Parsed;
use crate::scan::Here;
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

    /// Sets `row`, the last one, which has no value yet, to the value that is here.
    #[inline(always)]
    pub(crate) fn decode(&mut self, row: usize, here: Here, context: &mut Context) -> Parsed {
        // Columns lag behind, so there is nothing to do for a null.
        let end = match here.after_null() {
            Some(end) => end,
            None => self.builder.decode(row, here, context)?,
        };
        match &self.rules {
            None => Ok(end),
            Some(rules) => rules.hold(&self.builder, row, here, context).map(|()| end),
        }
    }
}
