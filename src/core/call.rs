// SPDX-License-Identifier: LGPL-2.1-or-later
//! How libvirt reports failure, turned into results.

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use virt::sys;

use super::Text;
use crate::error::{Details, Error, Misuse, Result};
use crate::fork::Leaf;
use crate::memory;

/// Prepares libvirt, once per process: before the first call that can fail.
pub fn initialize() {
    static DONE: AtomicBool = AtomicBool::new(false);
    // Not a `Once`, which a child of fork would find begun for ever. libvirt calls
    // nothing of ours meanwhile, so a fork may wait for it.
    static DOING: Leaf<()> = Leaf::new(());
    if DONE.load(Ordering::Acquire) {
        return;
    }
    let _doing = DOING.lock();
    if !DONE.load(Ordering::Relaxed) {
        // SAFETY: both may be called at any time. A failure to initialise
        // shows again, with its reason, in the first call that needs libvirt.
        unsafe {
            sys::virSetErrorFunc(std::ptr::null_mut(), Some(ignore_error));
            sys::virInitialize();
        }
        DONE.store(true, Ordering::Release);
    }
}

/// libvirt prints errors to stderr unless it is given something else to do.
unsafe extern "C" fn ignore_error(_userdata: *mut libc::c_void, _error: sys::virErrorPtr) {}

/// Takes over libvirt's error on this thread, after `function` failed.
#[cold]
pub fn failed(function: &'static CStr) -> Error {
    // SAFETY: virGetLastError returns NULL or this thread's error, which stays
    // valid until the next libvirt call here; it is copied before that.
    let recorded = unsafe { sys::virGetLastError().as_ref().map(|raw| copy(raw)) };
    let details = recorded.unwrap_or_else(Details::unknown);
    Error::new(Details { function: Some(Cow::Borrowed(function)), ..details })
}

/// Copies libvirt's error.
///
/// # Safety
/// The texts of `raw` are NULL or valid C strings.
unsafe fn copy(raw: &sys::virError) -> Details {
    // SAFETY: as promised by the caller.
    let text =
        |text: *const c_char| unsafe { (!text.is_null()).then(|| CStr::from_ptr(text).to_owned()) };
    Details {
        level: raw.level as i32,
        code: raw.code,
        domain: raw.domain,
        message: text(raw.message).unwrap_or_default(),
        strings: [text(raw.str1), text(raw.str2), text(raw.str3)],
        ints: [raw.int1, raw.int2],
        ..Details::unknown()
    }
}

/// For calls that return -1 on failure.
pub fn number(returned: c_int, function: &'static CStr) -> Result<c_int> {
    if returned < 0 { Err(failed(function)) } else { Ok(returned) }
}

/// For calls that return -1 on failure and nothing of interest otherwise.
pub fn done(returned: c_int, function: &'static CStr) -> Result<()> {
    number(returned, function).map(drop)
}

/// For calls that answer 1, 0 or -1.
pub fn truth(returned: c_int, function: &'static CStr) -> Result<bool> {
    number(returned, function).map(|answer| answer != 0)
}

/// For calls that return NULL on failure.
pub fn pointer<T>(returned: *mut T, function: &'static CStr) -> Result<NonNull<T>> {
    NonNull::new(returned).ok_or_else(|| failed(function))
}

/// For calls that return text which the caller has to free.
///
/// # Safety
/// `returned` is NULL or a C string from malloc that nobody else frees.
pub unsafe fn text(returned: *mut libc::c_char, function: &'static CStr) -> Result<Text> {
    // SAFETY: as promised by the caller.
    pointer(returned, function).map(|text| unsafe { Text::adopt(text) })
}

/// For calls that make an array of new objects and return how many they are,
/// or -1.
///
/// # Safety
/// On success `list` stored an array from malloc of as many objects as it
/// returned; each, and the array, is ours, and `adopt` may take it over.
pub unsafe fn objects<P: Copy, T>(
    function: &'static CStr,
    list: impl FnOnce(*mut *mut P) -> c_int,
    mut adopt: impl FnMut(P) -> T,
) -> Result<Vec<T>> {
    let mut array: *mut P = std::ptr::null_mut();
    let count = number(list(&mut array), function)? as usize;
    // SAFETY: as promised by the caller.
    unsafe {
        let objects = (0..count).map(|i| adopt(*array.add(i))).collect();
        libc::free(array.cast());
        Ok(objects)
    }
}

/// For calls that make an array of file descriptors.
///
/// # Safety
/// `array` is NULL, or an array from malloc of `count` open file descriptors; it and
/// they are ours.
pub unsafe fn files(array: *mut c_int, count: usize) -> Vec<OwnedFd> {
    if array.is_null() {
        return Vec::new();
    }
    // SAFETY: as promised by the caller.
    unsafe {
        let files = (0..count).map(|i| OwnedFd::from_raw_fd(*array.add(i))).collect();
        libc::free(array.cast());
        files
    }
}

/// For calls that write new texts, `max` at the most, into an array of the
/// caller's, and return how many they are, or -1. `parameter` is what `max`
/// is called.
///
/// # Safety
/// On success `list` stored as many C strings from malloc, which are ours, as
/// it returned.
pub unsafe fn names(
    function: &'static CStr,
    max: c_int,
    parameter: &'static str,
    list: impl FnOnce(*mut *mut c_char, c_int) -> c_int,
) -> Result<Vec<Text>> {
    const LIMIT: c_int = 1 << 20;
    if !(0..=LIMIT).contains(&max) {
        let reason = format!("is {max}; a number of names from 0 to {LIMIT} is needed");
        return Err(Misuse::Invalid { parameter, reason }.into());
    }
    let mut names = memory::filled(std::ptr::null_mut(), max as usize, parameter)?;
    let count = number(list(names.as_mut_ptr(), max), function)?;
    let names = names.into_iter().take(count as usize).filter_map(NonNull::new);
    // SAFETY: as promised by the caller.
    Ok(names.map(|name| unsafe { Text::adopt(name) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_keeps_all_of_libvirts_fields() {
        initialize();
        // SAFETY: a NULL domain is an error that libvirt checks for.
        let name = unsafe { sys::virDomainGetName(std::ptr::null_mut()) };
        let error = pointer(name.cast_mut(), c"virDomainGetName").unwrap_err();
        let details = error.details();
        assert_eq!(details.code, sys::VIR_ERR_INVALID_DOMAIN as i32);
        assert_eq!(details.level, sys::VIR_ERR_ERROR as i32);
        assert_eq!(details.function.as_deref(), Some(c"virDomainGetName"));
        assert!(error.message().contains("invalid domain pointer"), "{error}");
        assert!(details.strings[0].is_some());
    }

    #[test]
    fn without_a_libvirt_error_the_problem_is_unknown() {
        initialize();
        // SAFETY: no arguments.
        unsafe { sys::virResetLastError() };
        let error = done(-1, c"virSecretGetUsageType").unwrap_err();
        let details = error.details();
        assert_eq!((details.level, details.code, details.domain), (0, 0, 0));
        assert_eq!(details.message.as_c_str(), c"Unknown problem");
    }
}
