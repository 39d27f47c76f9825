// SPDX-License-Identifier: LGPL-2.1-or-later
//! Reading parts of a value.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::caller::{Caller, Out, reading};
use crate::capi::guard::status;
use crate::capi::types::{vkvm_error, vkvm_value};
use crate::core::Text;
use crate::error::{Misuse, Result};
use crate::handle::AnyHandle;
use crate::value::Value;

/// Returns a copy of a part of the value.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `part`: the copy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get(
    value: *mut vkvm_value,
    path: *const c_char,
    part: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(part, "part")?;
        out.set_value(read(c, value, path, |part| part.try_clone("path"))?)
    })
}

/// Returns the kind of a part of the value.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `kind` (enum value_kind)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_kind(
    value: *mut vkvm_value,
    path: *const c_char,
    kind: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(kind, "kind")?;
        set(out, read(c, value, path, |part| Ok(part.kind() as c_int)))
    })
}

/// Returns the length of a part of the value.
///
/// It is the number of items of a list or map, or the number of bytes of a string or byte
/// string.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `length`: the length
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_length(
    value: *mut vkvm_value,
    path: *const c_char,
    length: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(length, "length")?;
        set(out, read(c, value, path, length_of))
    })
}

/// Returns a key of a map by its position.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `index`: position, from 0
/// - `key`: the key
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_key(
    value: *mut vkvm_value,
    path: *const c_char,
    index: usize,
    key: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(key, "key")?;
        out.set(read(c, value, path, |part| key_at(part, index))?);
        Ok(())
    })
}

/// Returns a part of the value as a bool.
///
/// It accepts a bool, 0, 1, and the texts yes, no, true and false.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the bool
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_bool(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        set(out, read(c, value, path, |part| part.get_bool("")))
    })
}

/// Returns a part of the value as a signed integer.
///
/// It accepts an integer, and text that is one.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the integer
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_int64(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut i64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        set(out, read(c, value, path, |part| part.get_int64("")))
    })
}

/// Returns a part of the value as an unsigned integer.
///
/// It accepts an integer, and text that is one.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the integer
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_uint64(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        set(out, read(c, value, path, |part| part.get_uint64("")))
    })
}

/// Returns a part of the value as a floating point number.
///
/// It accepts a number, and text that is one.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_double(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut f64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        set(out, read(c, value, path, |part| part.get_double("")))
    })
}

/// Returns a part of the value as text.
///
/// Text with a NUL byte is an error: `vkvm_value_get_bytes` returns it.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the text
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_string(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(result, "result")?;
        out.set(read(c, value, path, |part| whole_text(part.get_str("")?))?);
        Ok(())
    })
}

/// Returns a part of the value as bytes.
///
/// It accepts a byte string, and text, as UTF-8.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the bytes
/// - `result_len`: number of bytes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_bytes(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut *mut u8,
    result_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(result, result_len, "result", "result_len")?;
        read(c, value, path, |part| out.set(part.get_bytes("")?))
    })
}

/// Returns a part of the value as a handle, with a reference of its own.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `result`: the handle, to be cast to its class and freed by the `_free` function of that
///   class
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_get_handle(
    value: *mut vkvm_value,
    path: *const c_char,
    result: *mut *mut c_void,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        set(out, read(c, value, path, handle_of))
    })
}

fn set<T>(out: Out<'_, T>, result: Result<T>) -> Result<()> {
    out.set(result?);
    Ok(())
}

pub(super) fn read<T>(
    c: &Caller,
    value: *mut vkvm_value,
    path: *const c_char,
    use_it: impl FnOnce(&Value) -> Result<T>,
) -> Result<T> {
    let value = c.get(value, "value")?;
    let value = reading(&value);
    use_it(value.get(c.path(path)?)?)
}

fn wrong_kind(value: &Value, wanted: &'static str) -> crate::error::Error {
    let actual = value.kind_name();
    Misuse::WrongType { parameter: "path", path: String::new(), actual, wanted }.into()
}

fn length_of(value: &Value) -> Result<usize> {
    match value {
        Value::List(list) => Ok(list.len()),
        Value::Map(map) => Ok(map.len()),
        Value::String(text) => Ok(text.len()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        other => Err(wrong_kind(other, "a list, map, string or byte string")),
    }
}

fn key_at(value: &Value, index: usize) -> Result<Text> {
    let Value::Map(map) = value else {
        return Err(wrong_kind(value, "a map"));
    };
    let (key, _) = map.get_index(index).ok_or_else(|| {
        let reason = format!("is {index}, but the map has {} keys", map.len());
        Misuse::Invalid { parameter: "index", reason }
    })?;
    whole_text(key)
}

fn handle_of(value: &Value) -> Result<*mut c_void> {
    let Value::Handle(handle) = value else {
        return Err(wrong_kind(value, "a handle"));
    };
    let hold = std::mem::ManuallyDrop::new(AnyHandle::retain(handle.id(), "path")?);
    Ok(hold.id() as *mut c_void)
}

/// Text for C, which would end at a NUL byte.
fn whole_text(text: &str) -> Result<Text> {
    match text.find('\0') {
        None => Text::from_rust(text, "path"),
        Some(offset) => Err(Misuse::EmbeddedNul { parameter: "path", offset }.into()),
    }
}
