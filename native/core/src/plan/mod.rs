//! An Arrow schema as a way to decode the records of a stream.

mod compile;
mod meta;
mod records;

pub(crate) use compile::compile;
pub(crate) use meta::About;
pub(crate) use records::Records;
