// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whether the process has one thread: then no other one holds a lock.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

/// glibc's `__libc_single_threaded`, or NULL: not looked up yet, or there is none.
static SINGLE_THREADED: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Finds out how to tell whether the process has one thread. glibc can since 2.32;
/// without it there may always be others.
#[allow(unsafe_code, reason = "asks the C library")]
pub fn look_up() {
    // SAFETY: looks a name up; a variable lives as long as the library it is in,
    // and the C library is never unloaded.
    let flag = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
    SINGLE_THREADED.store(flag.cast(), Ordering::Relaxed);
}

/// Whether this thread is the only one. Another one can only begin when this one
/// makes it, and sees all that was done before.
#[allow(unsafe_code, reason = "reads a variable of the C library")]
#[inline]
pub fn is_single_threaded() -> bool {
    let flag = SINGLE_THREADED.load(Ordering::Relaxed);
    // SAFETY: a char that lives for ever, which only the C library changes, and
    // which may be read at any time.
    !flag.is_null() && unsafe { AtomicU8::from_ptr(flag).load(Ordering::Relaxed) } != 0
}
