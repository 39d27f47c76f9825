// SPDX-License-Identifier: LGPL-2.1-or-later
//! Changing parts of a value.

use std::ffi::{c_char, c_int, c_void};

use super::cycle;
use crate::capi::caller::{Caller, writing};
use crate::capi::guard::status;
use crate::capi::types::{vkvm_error, vkvm_value};
use crate::error::Result;
use crate::handle::AnyHandle;
use crate::memory;
use crate::value::Value;

/// Sets a part of the value to a copy of another value.
///
/// A part that exists is replaced. Otherwise the missing parts of the path are created, in the
/// last map or list that exists:
///
/// - a name creates a key, with a map for the rest of the path: "domain.@type" in an empty map
///   creates the map "domain" and its key "@type"
/// - "+" appends to a list, and so does an index equal to the list's length: "disk.+.@type"
///   appends a map to the list "disk"; where there is no list yet, "+" or 0 creates one.
///   Afterwards the appended item is named by its index
/// - a path through text, a number, a bool or null is an error, and so is an index that leaves
///   a gap; nothing is changed then
/// - an empty XML element such as `<features/>` is true: replace it by a map before setting its
///   parts
///
/// Each dot in the missing parts separates two of them; `vkvm_value_put` sets keys that contain
/// dots, such as "vcpu.0.state" in a map of statistics.
///
/// - `path` (nullable): path of the part to set; NULL means the value itself
/// - `item`: value to copy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set(
    value: *mut vkvm_value,
    path: *const c_char,
    item: *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, c.value(item, "item")?))
}

/// Sets a key of a map to a copy of another value.
///
/// Dots in the key have no meaning.
///
/// - `path` (nullable): path of the map; NULL means the value itself
/// - `key`: the key, which may be new
/// - `item`: value to copy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_put(
    value: *mut vkvm_value,
    path: *const c_char,
    key: *const c_char,
    item: *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (item, key) = (c.value(item, "item")?, memory::text(c.str(key, "key")?, "key")?);
        let path = c.path(path)?;
        cycle::check(&item, value as usize)?;
        change(c, value, |value| value.insert_key(path, key, item))
    })
}

/// Sets a part of the value to null.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_null(
    value: *mut vkvm_value,
    path: *const c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Null))
}

/// Sets a part of the value to a bool.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: 0 for false, any other value for true
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_bool(
    value: *mut vkvm_value,
    path: *const c_char,
    item: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Bool(item != 0)))
}

/// Sets a part of the value to a signed integer.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: the integer
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_int64(
    value: *mut vkvm_value,
    path: *const c_char,
    item: i64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Int(item)))
}

/// Sets a part of the value to an unsigned integer.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: the integer
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_uint64(
    value: *mut vkvm_value,
    path: *const c_char,
    item: u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Uint(item)))
}

/// Sets a part of the value to a floating point number.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_double(
    value: *mut vkvm_value,
    path: *const c_char,
    item: f64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Double(item)))
}

/// Sets a part of the value to text.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: the text, copied
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_string(
    value: *mut vkvm_value,
    path: *const c_char,
    item: *const c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        write(c, value, path, Value::String(memory::text(c.str(item, "item")?, "item")?))
    })
}

/// Sets a part of the value to bytes.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: the bytes, copied
/// - `item_len`: number of bytes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_bytes(
    value: *mut vkvm_value,
    path: *const c_char,
    item: *const c_void,
    item_len: usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        write(
            c,
            value,
            path,
            Value::Bytes(memory::bytes(c.bytes(item, item_len, "item")?, "item")?),
        )
    })
}

/// Sets a part of the value to a handle, with a reference of its own.
///
/// A handle that leads back to the value, directly or through other values, is refused, as
/// neither would ever be freed.
///
/// - `path` (nullable): path of the part to set, as for `vkvm_value_set`; NULL means the value
///   itself
/// - `item`: a handle of any class
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_handle(
    value: *mut vkvm_value,
    path: *const c_char,
    item: *mut c_void,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(value, "value")?;
        write(c, value, path, Value::Handle(AnyHandle::retain(item as usize, "item")?))
    })
}

/// Appends a copy of a value to a list.
///
/// - `path` (nullable): path of the list; NULL means the value itself
/// - `item`: value to copy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_append(
    value: *mut vkvm_value,
    path: *const c_char,
    item: *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (item, path) = (c.value(item, "item")?, c.path(path)?);
        cycle::check(&item, value as usize)?;
        change(c, value, |value| value.append(path, item))
    })
}

/// Removes a part of the value.
///
/// - `path`: path of the part
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_remove(
    value: *mut vkvm_value,
    path: *const c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let path = c.str(path, "path")?;
        change(c, value, |value| value.remove(path))
    })
}

fn write(c: &Caller, value: *mut vkvm_value, path: *const c_char, item: Value) -> Result<()> {
    let path = c.path(path)?;
    cycle::check(&item, value as usize)?;
    change(c, value, |value| value.set(path, item))
}

/// Changes a value. What the change leaves over is dropped once the lock is
/// open again: if it holds the last hold on a connection, callbacks of the
/// program run, and they may use this value.
fn change<T>(
    c: &Caller,
    value: *mut vkvm_value,
    with: impl FnOnce(&mut Value) -> Result<T>,
) -> Result<()> {
    let value = c.get(value, "value")?;
    let rest = with(&mut *writing(&value)?)?;
    drop(rest);
    Ok(())
}
