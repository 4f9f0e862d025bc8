//! Singer JSON lines to and from Arrow.
//!
//! [`Reader`] turns the bytes of a Singer pipe into [`Event`]s: records arrive as Arrow batches, every other message as
//! itself, in an order a target can build exactly-once delivery on. [`Encoder`] is the mirror: Arrow batches to RECORD lines.
//! [`Digest`] sums rows up; [`KeyLog`] and [`KeySet`] tell which rows have one key.
//! [`pg`] is the way of PostgreSQL's rows.
#![forbid(unsafe_code)]

mod columns;
pub mod digest;
pub mod encode;
mod error;
mod event;
mod fault;
mod keys;
mod number;
mod options;
pub mod pg;
mod plan;
mod reader;
mod scan;
mod source;
mod time;
mod validate;

pub use columns::MakeStrings;
pub use digest::Digest;
pub use encode::Encoder;
pub use error::Error;
pub use event::{Event, Stats};
pub use keys::{KeyLog, KeySet};
pub use options::ReaderOptions;
pub use reader::Reader;
pub use source::{Fill, Source};
