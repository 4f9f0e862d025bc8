//! The panic boundary: no unwinding crosses into C.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{DativoError, report};
use crate::status::{DativoStatus, Failure};

/// Runs the body of an exported function and reports how it ended.
///
/// Asserting unwind safety is sound because whatever a body changes lives behind the lock of a
/// handle, and a panic poisons that lock.
pub(crate) fn guard(error: *mut DativoError, body: impl FnOnce() -> Result<(), Failure>) -> DativoStatus {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => DativoStatus::Ok,
        Ok(Err(failure)) => report(error, failure),
        Err(panic) => report(error, Failure::internal(panic_message(panic.as_ref()))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the native core panicked: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn a_panic_becomes_a_status() {
        let status = guard(ptr::null_mut(), || std::panic::panic_any("on purpose"));
        assert_eq!(status, DativoStatus::Internal);
        let text = panic_message(&String::from("formatted"));
        assert_eq!(text, "the native core panicked: formatted");
        assert_eq!(panic_message(&7), "the native core panicked: no message");
    }
}
