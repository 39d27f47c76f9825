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

/// Puts a copy of a value into another.
///
/// What is at the path is replaced. Otherwise what is missing of the path is made, in
/// the last map or list on it that exists. A name makes a key with a map for what
/// follows: "domain.@type" in an empty map makes the map "domain" and its key "@type".
/// The part + appends to a list, and so does an index that is the list's length: in
/// "disk.+.@type" it appends a map to the list "disk". Where there is no list yet, + or
/// 0 makes one. The item that + has appended is named by its index afterwards. A path
/// through text, a number, a boolean or null is an error, and so is an index that leaves a
/// gap; nothing is changed then. What XML has as an empty element, like `<features/>`, is
/// true: put a map in its place before what is to be in it.
///
/// Each dot in what is made separates two parts; `vkvm_value_put` takes keys that have
/// dots of their own, like "vcpu.0.state" in a map of statistics.
///
/// - `path` (nullable): where to put it
/// - `item`: what to put there
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set(
    value: *mut vkvm_value,
    path: *const c_char,
    item: *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, c.value(item, "item")?))
}

/// Puts a copy of a value under a key of a map. Dots in the key mean nothing.
///
/// - `path` (nullable): where the map is
/// - `key`: the key, which may be new
/// - `item`: what to put there
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

/// Puts a null into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_null(
    value: *mut vkvm_value,
    path: *const c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Null))
}

/// Puts a bool into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
/// - `item`: 0 for false, anything else for true
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_set_bool(
    value: *mut vkvm_value,
    path: *const c_char,
    item: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| write(c, value, path, Value::Bool(item != 0)))
}

/// Puts a signed integer into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
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

/// Puts an unsigned integer into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
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

/// Puts a floating point number into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
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

/// Puts text into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
/// - `item`: the text
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

/// Puts bytes into a value.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
/// - `item`: the bytes
/// - `item_len`: how many there are
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

/// Puts a handle of whichever class into a value, with a hold of its own.
///
/// A value that would then hold itself, directly or through other values, is refused: it
/// would never be freed.
///
/// - `path` (nullable): where, as for `vkvm_value_set`
/// - `item`: the handle
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

/// Adds a copy of a value to the end of a list.
///
/// - `path` (nullable): where the list is
/// - `item`: what to add
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

/// Removes a part of a value.
///
/// - `path`: which part
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
