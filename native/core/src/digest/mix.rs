//! The one mixing function, and the constants that keep classes apart.

use xxhash_rust::const_xxh3::xxh3_64 as tag;

pub(super) const EXACT: u64 = tag(b"exact");
pub(super) const DECIMAL: u64 = tag(b"decimal");
pub(super) const FLOAT: u64 = tag(b"float");
pub(super) const BOOL: u64 = tag(b"bool");
pub(super) const TEXT: u64 = tag(b"text");
pub(super) const BINARY: u64 = tag(b"binary");
pub(super) const INSTANT: u64 = tag(b"instant");
pub(super) const MOMENT: u64 = tag(b"moment");
pub(super) const DATE: u64 = tag(b"date");
pub(super) const TIME: u64 = tag(b"time");
pub(super) const DURATION: u64 = tag(b"duration");
pub(super) const LIST: u64 = tag(b"list");
pub(super) const MAP: u64 = tag(b"map");
pub(super) const STRUCT: u64 = tag(b"struct");
pub(super) const NULL: u64 = tag(b"null");
pub(super) const ROW_1: u64 = tag(b"row 1");
pub(super) const ROW_2: u64 = tag(b"row 2");

/// The finaliser of SplitMix64: every bit of the input changes half the bits of the output, and
/// different inputs have different outputs.
#[inline]
pub(super) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
