//! Handles: boxed values that C holds by pointer, and the count of those alive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use crate::status::Failure;

static LIVE: AtomicU64 = AtomicU64::new(0);

/// How many things made by this library have not been freed: handles, and texts inside errors.
#[unsafe(no_mangle)]
pub extern "C" fn dativo_live_handles() -> u64 {
    LIVE.load(Ordering::SeqCst)
}

pub(crate) fn count() {
    LIVE.fetch_add(1, Ordering::SeqCst);
}

pub(crate) fn discount() {
    LIVE.fetch_sub(1, Ordering::SeqCst);
}

/// Hands a value to C.
pub(crate) fn give<T>(value: T) -> *mut T {
    count();
    Box::into_raw(Box::new(value))
}

/// Takes a value back from C and drops it. NULL is fine.
///
/// # Safety
/// `handle` is NULL or comes from [`give`] and is not used again.
pub(crate) unsafe fn take_back<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    discount();
    // SAFETY: by contract it comes from `give`, so from `Box::into_raw`, and nobody uses it again.
    drop(unsafe { Box::from_raw(handle) });
}

/// The value behind a handle. Only shared references are ever made, so that `cancel` may run on
/// another thread; what changes is inside the value, behind a lock.
///
/// # Safety
/// `handle` is NULL or comes from [`give`] and is not freed during `'a`.
pub(crate) unsafe fn borrow<'a, T>(handle: *const T) -> Result<&'a T, Failure> {
    // SAFETY: by contract it is NULL or points to a live value.
    unsafe { handle.as_ref() }.ok_or_else(|| Failure::invalid("the handle is NULL"))
}

/// Locks the state of a handle, or refuses: a handle serves one thread at a time, and none after a
/// panic left its state in an unknown condition.
pub(crate) fn exclusive<T>(state: &Mutex<T>) -> Result<MutexGuard<'_, T>, Failure> {
    state.try_lock().map_err(refused)
}

/// Locks the state of a handle that serves one thread at a time in this call, and several in others.
pub(crate) fn unshared<T>(state: &RwLock<T>) -> Result<RwLockWriteGuard<'_, T>, Failure> {
    state.try_write().map_err(refused)
}

/// Locks the state of a handle that serves several threads at a time in this call.
pub(crate) fn shared<T>(state: &RwLock<T>) -> Result<RwLockReadGuard<'_, T>, Failure> {
    state.try_read().map_err(refused)
}

fn refused<G>(error: TryLockError<G>) -> Failure {
    match error {
        TryLockError::WouldBlock => Failure::invalid("the handle is in use by another thread"),
        TryLockError::Poisoned(_) => {
            Failure::internal("an earlier call on this handle panicked: free it and make a new one")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::guard;
    use crate::status::DativoStatus;
    use std::ptr;

    #[test]
    fn a_handle_is_poisoned_by_a_panic() {
        let state = Mutex::new(0);
        let panicking = || {
            let _locked = exclusive(&state)?;
            std::panic::panic_any("on purpose")
        };
        assert_eq!(guard(ptr::null_mut(), panicking), DativoStatus::Internal);
        let failure = exclusive(&state).err();
        assert!(failure.is_some_and(|failure| failure.status == DativoStatus::Internal));
    }

    #[test]
    fn a_second_thread_is_refused() {
        let state = Mutex::new(0);
        let _locked = exclusive(&state);
        let status = std::thread::scope(|scope| {
            let second = scope.spawn(|| exclusive(&state).err().map(|failure| failure.status));
            second.join().unwrap_or(None)
        });
        assert_eq!(status, Some(DativoStatus::InvalidArgument));
    }

    #[test]
    fn several_threads_may_share_but_not_while_one_is_alone() {
        let state = RwLock::new(0);
        let reading = shared(&state);
        assert!(reading.is_ok() && shared(&state).is_ok() && unshared(&state).is_err());
        drop(reading);
        let _writing = unshared(&state);
        let failure = shared(&state).err();
        assert!(failure.is_some_and(|failure| failure.status == DativoStatus::InvalidArgument));
    }

    #[test]
    fn null_is_an_error_to_use_and_nothing_to_free() {
        // SAFETY: NULL is allowed.
        assert!(unsafe { borrow(ptr::null::<u8>()) }.is_err());
        // SAFETY: NULL is allowed.
        unsafe { take_back(ptr::null_mut::<u8>()) };
    }
}
