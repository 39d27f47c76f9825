// SPDX-License-Identifier: LGPL-2.1-or-later
//! libxml2, with which libvirt reads files: its messages are no output of ours.

use std::ffi::{c_char, c_void};

use super::late::Late;

/// libxml2's `xmlGenericErrorFunc`, a printf-like function; what follows the format is
/// not looked at.
type Handler = unsafe extern "C" fn(*mut c_void, *const c_char);

/// Where libxml2 keeps a thread's handler, and its data.
type HandlerPlace = unsafe extern "C" fn() -> *mut Option<Handler>;
type DataPlace = unsafe extern "C" fn() -> *mut *mut c_void;

// SAFETY: these are the types in libxml2's header. They are found because libvirt
// needs libxml2; the version says nothing here.
static HANDLER: Late<HandlerPlace> = unsafe { Late::new(c"__xmlGenericError", "-") };
// SAFETY: this is the function's type in libvirt's header.
static DATA: Late<DataPlace> = unsafe { Late::new(c"__xmlGenericErrorContext", "-") };

unsafe extern "C" fn say_nothing(_data: *mut c_void, _format: *const c_char) {}

/// Runs something while libxml2 prints no messages of this thread to standard error.
/// libvirt asks it for errors, but not for the warning about a file that is not there.
pub fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let (Ok(handler), Ok(data)) = (HANDLER.get(), DATA.get()) else {
        return run();
    };
    // SAFETY: the functions take nothing, and return the places of this thread, which
    // stay until it ends. The program's own handler comes back below.
    let (handler, data) = unsafe { (handler(), data()) };
    // SAFETY: nobody else writes to places of this thread.
    let before = unsafe { (handler.replace(Some(say_nothing)), data.read()) };
    let result = run();
    // SAFETY: the same places, on the same thread.
    unsafe {
        handler.write(before.0);
        data.write(before.1);
    }
    result
}
