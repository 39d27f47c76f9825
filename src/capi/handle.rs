// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_handle_*`: the handle table.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::call;
use super::guard::{direct, status, void};
use super::types::vkvm_error;
use crate::error::Misuse;
use crate::handle::{self, AnyHandle, CLASSES, Class};

/// Returns the class of a handle.
///
/// It is for callbacks that receive objects of any class.
///
/// - `handle` (nullable): a handle of any class
/// - `return` (nullable): the class as in function names, such as "domain"; NULL when the
///   handle is not live. The text is static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_class_name(handle: *mut c_void) -> *const c_char {
    direct(ptr::null(), |_| AnyHandle::class(handle as usize).map(|class| class.c_name().as_ptr()))
}

/// Adds a reference to a handle of any class.
///
/// - `handle` (nullable): the handle
/// - `return` (nullable): the handle, which needs one more `vkvm_handle_free` or free function
///   of its class; NULL when it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_ref(handle: *mut c_void) -> *mut c_void {
    direct(ptr::null_mut(), |_| {
        let hold = AnyHandle::retain(handle as usize, "handle").ok()?;
        Some(hold.into_id() as *mut c_void)
    })
}

/// Returns the timeout for calls on an object.
///
/// It is that of the object's connection, `vkvm_conn_set_call_timeout`. A binding uses it to
/// choose between the function and `vkvm_invoke`.
///
/// - `handle` (nullable): a handle of any class
/// - `return` (unit ms): the timeout; 0 means no limit, also for an object without a connection
///   and for a handle that is not live
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_call_timeout(handle: *mut c_void) -> u32 {
    direct(0, |_| Some(call::timeout_ms(handle as usize)))
}

/// Releases a reference to a handle of any class.
///
/// NULL and handles that are not live are ignored.
///
/// - `handle` (consumed, nullable): the handle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_free(handle: *mut c_void) {
    void(|_| drop(AnyHandle::from_id(handle as usize)))
}

/// Returns the number of live handles of a class.
///
/// Tests find leaks with it.
///
/// - `class_name`: the class as in function names, such as "domain"
/// - `count`: number of handles
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_count(
    class_name: *const c_char,
    count: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(handle::count(class(c.str(class_name, "class_name")?)?));
        Ok(())
    })
}

fn class(name: &str) -> Result<Class, Misuse> {
    CLASSES.iter().find(|class| class.name() == name).copied().ok_or_else(|| {
        let names = CLASSES.iter().map(|class| class.name()).collect::<Vec<_>>().join(", ");
        let reason = format!("there is no class \"{name}\"; the classes are {names}");
        Misuse::Invalid { parameter: "class_name", reason }
    })
}
