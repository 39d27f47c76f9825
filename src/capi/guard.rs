//! The one way into the library.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::caller::Caller;
use super::types::vkvm_error;
use crate::core::sigpipe;
use crate::error::{Error, Misuse, Result};
use crate::{event, handle};

/// Runs the body of an export that returns 0, or -1 with an error.
///
/// # Safety
/// The C contract of [`crate::capi`] holds for every pointer that the export
/// got, `error` included.
pub unsafe fn status(
    error: *mut *mut vkvm_error,
    body: impl FnOnce(&Caller) -> Result<()>,
) -> c_int {
    // SAFETY: as promised by the caller.
    let caller = unsafe { Caller::new() };
    match catch(|| body(&caller)) {
        Ok(()) => 0,
        Err(failure) => {
            report(failure, error);
            -1
        }
    }
}

/// Runs the body of an export that cannot fail: its answer to a wrong
/// argument, or to a panic, is `otherwise`.
///
/// # Safety
/// As for [`status`].
pub unsafe fn direct<T>(otherwise: T, body: impl FnOnce(&Caller) -> Option<T>) -> T {
    // SAFETY: as promised by the caller.
    let caller = unsafe { Caller::new() };
    catch(|| Ok(body(&caller))).ok().flatten().unwrap_or(otherwise)
}

/// Runs the body of an export that returns nothing.
///
/// # Safety
/// As for [`status`].
pub unsafe fn void(body: impl FnOnce(&Caller)) {
    // SAFETY: as promised by the caller.
    let caller = unsafe { Caller::new() };
    // There is nobody to tell of a panic; the hook has printed it.
    let _ = catch(|| {
        body(&caller);
        Ok(())
    });
}

fn catch<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(|| sigpipe::inside(body)));
    if event::has_untold() {
        event::tell_untold();
    }
    result.unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        Err(Misuse::Internal { what }.into())
    })
}

#[cold]
fn report(failure: Error, error: *mut *mut vkvm_error) {
    if error.is_null() {
        return;
    }
    // A panic here (the handle table is full) must not leave either; the
    // caller then gets the -1 with a NULL error.
    let id = catch_unwind(|| handle::insert(failure).unwrap_or(0)).unwrap_or(0);
    // SAFETY: by the contract `error` may be written to.
    unsafe { *error = id as *mut vkvm_error };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let mut error = std::ptr::null_mut();
        // SAFETY: `error` is a local.
        let returned = unsafe { status(&mut error, |_| panic!("tried {}", 1)) };
        assert_eq!(returned, -1);
        let details = handle::get::<Error>(error as usize, "error").unwrap();
        assert_eq!(details.to_string(), "internal error in libvkvm: tried 1; please report it");
        handle::release::<Error>(error as usize);
        // SAFETY: no pointers.
        assert_eq!(unsafe { direct(7, |_| panic!("again")) }, 7);
    }
}
