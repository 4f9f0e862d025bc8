//! What serde_json makes of Singer lines, to hold the decoder against.
//!
//! [`check`] is the whole of it: the fuzzer calls it with bytes of its own making, `tests/corpus.rs` with those that a
//! fuzzer has found worth keeping. [`check_copy`] and [`check_changes`] do the same for rows
//! and changes of PostgreSQL, with no second opinion on them.
#![forbid(unsafe_code)]
#![allow(clippy::expect_used, clippy::unwrap_used)] // what fails here is a test

pub mod canonical;
mod changes;
mod copy;
mod decoded;
mod expected;
mod members;
pub mod schema;
mod values;

pub use changes::check_changes;
pub use copy::check_copy;
pub use decoded::SCHEMA_LINE;

use decoded::{Decoded, decode};
use expected::{Expected, line};

/// Reads `input` as RECORD lines behind the SCHEMA of a stream with columns of every type, in chunks of a size that its
/// first byte says.
///
/// # Panics
/// If the decoder says anything else about a line than serde_json does, or loses count of lines.
pub fn check(input: &[u8]) {
    let Some((&chunk, lines)) = input.split_first() else { return };
    let decoded = decode(lines, usize::from(chunk) + 1);
    let mut count = 1;
    for (index, bytes) in lines.split(|&byte| byte == b'\n').enumerate() {
        let number = index as u64 + 2;
        agree(number, bytes, &decoded);
        count = if bytes.is_empty() { count } else { number };
    }
    assert!(decoded.stats.lines >= count, "{} lines counted, {count} sent", decoded.stats.lines);
    let stats = &decoded.stats;
    assert_eq!(stats.records as usize, decoded.rows.len(), "records counted");
    assert_eq!(stats.invalid as usize, decoded.invalid.len(), "invalid lines counted");
}

fn agree(number: u64, bytes: &[u8], decoded: &Decoded) {
    let text = || String::from_utf8_lossy(bytes);
    let (row, reason) = (decoded.rows.get(&number), decoded.invalid.get(&number));
    match line(bytes) {
        Expected::Record(columns) => {
            let row = row.unwrap_or_else(|| panic!("refused as {reason:?}: {}", text()));
            for (name, values) in columns {
                assert!(values.allow(&row[name]), "{name} is {}, not {values:?}: {}", row[name], text());
            }
        }
        Expected::Invalid => assert!(reason.is_some() && row.is_none(), "accepted as {row:?}: {}", text()),
        Expected::Blank => assert!(reason.is_none() && row.is_none(), "not taken as blank: {}", text()),
        Expected::Other => assert!(row.is_none(), "taken as a record: {}", text()),
        Expected::Unsure => assert!(reason.is_none() || row.is_none(), "both taken and refused: {}", text()),
    }
}
