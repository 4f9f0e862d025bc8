//! Rows of PostgreSQL to Arrow.
//!
//! [`PgRows`] turns the messages of `COPY … TO STDOUT (FORMAT binary)` into batches. What a message is taken from is a
//! [`CopySource`]: no libpq here. A column is what its Arrow field says, with `dativo.pg` in its metadata naming the form
//! that PostgreSQL sends it in ([`kind`]); what Arrow has no value for (infinity, years before 1) is left to a
//! [`PgOptions`] and counted.

mod binary;
mod changes;
mod column;
mod finish;
mod kind;
mod nested;
mod policy;
mod rows;
mod source;
mod text;
mod wire;

#[cfg(test)]
mod tests;

pub use changes::{ChangesOptions, PgChange, PgChanges, PgRelation, PgRelationColumn, SpoolOptions};
pub use policy::{OutOfRange, PgOptions, SpecialNumbers};
pub use rows::{PgRows, PgStep};
pub use source::{Copied, CopySource};
