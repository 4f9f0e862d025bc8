//! The C ABI of the core: opaque handles, status codes, nothing else. The contract is written in
//! `include/dativo.h`, which is generated from the doc comments here.
//!
//! This crate holds the only `unsafe` of the library. Every exported function is one
//! [`guard`](guard::guard) closure, so a panic becomes a status; every handle is behind a lock, so
//! a second thread is refused instead of racing.
//!
//! What the header demands of callers is what the SAFETY notes lean on ("by contract"): a non-NULL
//! pointer is valid for the whole call and has the type the header says, and a handle comes from
//! its `_new` and has not been freed.

mod arrow;
mod calls;
mod digest;
mod encoder;
mod error;
mod event;
mod fd;
mod guard;
mod handle;
mod input;
mod keys;
mod options;
mod pg_change;
mod pg_changes;
mod pg_rows;
mod pq;
mod reader;
mod slice;
mod stats;
mod status;

pub use digest::*;
pub use encoder::*;
pub use error::*;
pub use event::*;
pub use handle::dativo_live_handles;
pub use keys::*;
pub use options::*;
pub use pg_change::*;
pub use pg_changes::*;
pub use pg_rows::*;
pub use pq::*;
pub use reader::*;
pub use slice::*;
pub use stats::*;
pub use status::*;

/// The version of this header: the major in the upper 16 bits, the minor in the lower. A change of
/// the major breaks callers, a change of the minor adds to the end of things.
pub const DATIVO_ABI_VERSION: u32 = 65540;

/// The version of the ABI that the library was built with; compare it with DATIVO_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn dativo_abi_version() -> u32 {
    DATIVO_ABI_VERSION
}
