// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_value_*`: structured values.
//!
//! Functions that reach into a value take a path like "host.cpu.model" or
//! "devices.disk.0.@type": keys and list indexes with dots between. NULL is
//! the value itself. A key that has dots of its own is found as a whole first.
//! `vkvm_value_set` makes what is missing of a path; its documentation has the rules.

mod convert;
mod cycle;
mod get;
mod set;

use std::ffi::c_int;
use std::ptr;

use zeroize::Zeroize;

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_value};
use crate::value::{Map, Value};

/// Adds a reference to the value handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_value_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_ref(value: *mut vkvm_value) -> *mut vkvm_value {
    direct(ptr::null_mut(), |c| c.retain(value))
}

/// Releases a reference to the value handle.
///
/// NULL and handles that are not live are ignored.
///
/// - `value` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_free(value: *mut vkvm_value) {
    void(|c| c.free(value))
}

/// Releases a reference to the value handle, and wipes the value with the last one.
///
/// All texts and bytes in the value are overwritten before they are freed, so that no secret
/// remains in memory. NULL and handles that are not live are ignored.
///
/// - `value` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_wipe_and_free(value: *mut vkvm_value) {
    void(|c| {
        let Ok(mut last) = c.get_last(value, "value") else { return };
        if let Some(alone) = last.alone() {
            alone.get_mut().zeroize();
        }
    })
}

/// Creates a null value.
///
/// - `value`: the new value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_new_null(
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Value::Null))
}

/// Creates an empty list.
///
/// - `value`: the new value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_new_list(
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Value::List(Vec::new())))
}

/// Creates an empty map.
///
/// - `value`: the new value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_new_map(
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Map::new()))
}
