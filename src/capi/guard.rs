// SPDX-License-Identifier: LGPL-2.1-or-later
//! The one way into the library.

use std::any;
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::caller::Caller;
use super::names::EXPORTS;
use super::types::vkvm_error;
use crate::core::sigpipe;
use crate::error::{Error, Misuse, Result};
use crate::{event, handle};

/// Runs the body of an export that returns 0, or -1 with an error.
///
/// # Safety
/// The C contract of [`crate::capi`] holds for every pointer that the export
/// got, `error` included.
pub unsafe fn status<B>(error: *mut *mut vkvm_error, body: B) -> c_int
where
    B: FnOnce(&Caller) -> Result<()>,
{
    // SAFETY: as promised by the caller.
    let caller = unsafe { Caller::new() };
    match catch(|| body(&caller)) {
        Ok(()) => 0,
        Err(failure) => {
            report(failure, error, any::type_name::<B>());
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

/// Runs the body of an export that calls one function of the C library and nothing else, so that it
/// cannot panic. It is on the way of each text, and the guard takes longer than the body.
pub fn bare<T>(body: impl FnOnce() -> T) -> T {
    body()
}

fn catch<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(|| sigpipe::inside(body)));
    if event::has_untold() {
        sigpipe::inside(event::tell_untold);
    }
    if event::has_put_off() {
        event::catch_up();
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
fn report(failure: Error, error: *mut *mut vkvm_error, body: &'static str) {
    if error.is_null() {
        return;
    }
    let failure = event::explain(failure);
    let failure = match export_of(body) {
        Some(name) => failure.in_function(name),
        None => failure,
    };
    // A panic here (the handle table is full) must not leave either; the
    // caller then gets the -1 with a NULL error.
    let id = catch_unwind(|| handle::insert(failure).unwrap_or(0)).unwrap_or(0);
    // SAFETY: by the contract `error` may be written to.
    unsafe { *error = id as *mut vkvm_error };
}

/// The export with a body of this type: a closure's type is called
/// `vkvm::capi::conn::open::vkvm_conn_open::{{closure}}`. Rust does not promise that form,
/// so c-tests/misuse.c asks every export for its name.
fn export_of(body: &str) -> Option<&'static CStr> {
    let path = body.rsplit_once("::")?.0;
    let name = path.rsplit("::").next()?;
    let at = EXPORTS.binary_search_by(|export| export.to_bytes().cmp(name.as_bytes())).ok()?;
    Some(EXPORTS[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Function;

    #[test]
    fn messages_name_exports() {
        for function in Function::ALL {
            assert!(EXPORTS.contains(&function.name()), "{function}");
        }
    }

    #[test]
    fn an_export_is_known_by_its_closure() {
        let name = export_of("vkvm::capi::conn::host::vkvm_conn_get_type::{{closure}}");
        assert_eq!(name, Some(c"vkvm_conn_get_type"));
        assert_eq!(export_of("vkvm::capi::guard::tests::helper::{{closure}}"), None);
        assert_eq!(export_of("vkvm_conn_get_type"), None);
        assert!(EXPORTS.is_sorted(), "so that it can be searched");
    }

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
