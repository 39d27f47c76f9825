//! `vkvm_handle_*`: the handle table.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::call;
use super::guard::{direct, status, void};
use super::types::vkvm_error;
use crate::error::Misuse;
use crate::handle::{self, AnyHandle, CLASSES, Class};

/// Tells the class of a handle, for callbacks that get objects of any class.
///
/// - `handle` (nullable): a handle of whichever class
///
/// - `return` (nullable): the class as in function names, like "domain", or NULL when this is no
///   live handle; it is valid for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_class_name(handle: *mut c_void) -> *const c_char {
    direct(ptr::null(), |_| AnyHandle::class(handle as usize).map(|class| class.c_name().as_ptr()))
}

/// Adds a hold on a handle of whichever class.
///
/// - `handle` (nullable): the handle
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_handle_free`, or the free
///   function of its class; NULL when it is not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_ref(handle: *mut c_void) -> *mut c_void {
    direct(ptr::null_mut(), |_| {
        let hold = AnyHandle::retain(handle as usize, "handle").ok()?;
        Some(hold.into_id() as *mut c_void)
    })
}

/// Gets how long calls on an object may take, for a binding that chooses by it between the
/// function and `vkvm_invoke`: the limit of its connection (`vkvm_conn_set_call_timeout`).
///
/// - `handle` (nullable): a handle of whichever class
///
/// - `return` (unit ms): how long; 0 for no limit, also of what belongs to no connection, and of
///   what is no live handle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_call_timeout(handle: *mut c_void) -> u32 {
    direct(0, |_| Some(call::timeout_ms(handle as usize)))
}

/// Gives up a hold on a handle of whichever class. NULL and handles that are not
/// live are left alone.
///
/// - `handle` (consumed, nullable): the handle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_free(handle: *mut c_void) {
    void(|_| drop(AnyHandle::from_id(handle as usize)))
}

/// Counts the live handles of a class, which makes leaks testable.
///
/// - `class_name`: the class as in function names, like "domain"
/// - `count`: how many there are
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
