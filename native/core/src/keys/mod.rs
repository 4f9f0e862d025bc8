//! Keys of rows: which have been seen, and where the last row of each stands.
//!
//! Keys of one or several columns are compared by their bytes, never by a hash alone:
//!
//! | columns | bytes |
//! |---|---|
//! | booleans, integers, decimals, dates, times, timestamps, fixed-size binary | as Arrow lays the value out |
//! | floats | the same, `-0.0` as `0.0`; NaN is no key |
//! | text, binary | 32-bit length and the bytes; the last column of a key needs no length |
//!
//! A null in any column makes no key. All columns have the types that the set was made for: whoever has a narrower
//! column widens it first.

mod arena;
mod column;
mod log;
mod restore;
mod row;
mod set;

#[cfg(test)]
mod tests;

pub use log::KeyLog;
pub use set::KeySet;
