//! `vkvm_value_*`: structured values.
//!
//! Functions that reach into a value take a path like "host.cpu.model" or
//! "devices.disk.0.@type": keys and list indexes with dots between. NULL is
//! the value itself. A key that has dots of its own is found as a whole first.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::caller::{Caller, Out, reading, writing};
use super::guard::{direct, status};
use super::types::{vkvm_error, vkvm_value, vkvm_value_visitor};
use crate::core::Text;
use crate::error::{Misuse, Result};
use crate::handle::AnyHandle;
use crate::value::{Map, Value};
use crate::xml;

/// Adds a hold on the value handle.
///
/// Returns the handle, which then needs one more `vkvm_value_free`, or NULL
/// when it is not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_ref(value: *mut vkvm_value) -> *mut vkvm_value {
    direct(ptr::null_mut(), |c| c.retain(value))
}

/// Gives up a hold on the value handle. NULL and handles that are not live are
/// left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_free(value: *mut vkvm_value) {
    direct((), |c| Some(c.free(value)))
}

/// Makes a null.
///
/// - `value`: the new value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_new_null(
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Value::Null))
}

/// Makes an empty list.
///
/// - `value`: the new value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_new_list(
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Value::List(Vec::new())))
}

/// Makes an empty map.
///
/// - `value`: the new value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_new_map(
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Map::new()))
}

/// Copies a part of a value.
///
/// - `path` (nullable): which part
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
        out.set_value(read(c, value, path, |part| Ok(part.clone()))?)
    })
}

/// Gets the kind of a part of a value.
///
/// - `path` (nullable): which part
/// - `kind`: one of `VKVM_VALUE_*`
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

/// Gets how many items a list or map has, or bytes a string or byte string.
///
/// - `path` (nullable): which part of the value
/// - `length`: how many
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

/// Gets a key of a map by its position.
///
/// - `path` (nullable): which part of the value
/// - `index`: the position, from 0
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

/// Gets a truth value: a bool, 0 or 1, or the text yes, no, true or false.
///
/// - `path` (nullable): which part of the value
/// - `result`: the truth
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

/// Gets a signed integer: an integer, or text that is one.
///
/// - `path` (nullable): which part of the value
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

/// Gets an unsigned integer: an integer, or text that is one.
///
/// - `path` (nullable): which part of the value
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

/// Gets a floating point number: a number, or text that is one.
///
/// - `path` (nullable): which part of the value
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

/// Gets text. Text that has a NUL byte is an error: `vkvm_value_get_bytes` can
/// give it.
///
/// - `path` (nullable): which part of the value
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

/// Gets bytes: a byte string, or text as UTF-8.
///
/// - `path` (nullable): which part of the value
/// - `result`: the bytes
/// - `result_len`: how many there are
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
        out.set(&read(c, value, path, |part| part.get_bytes("").map(<[u8]>::to_vec))?);
        Ok(())
    })
}

/// Gets a handle of whichever class, with a hold on it of its own.
///
/// - `path` (nullable): which part of the value
/// - `result`: the handle, to be cast to its class and freed with that class's
///   `_free`
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

/// Puts a copy of a value into another.
///
/// - `path` (nullable): where; the list or map that holds it must exist. In a
///   list, the index after the last one adds an item
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
        let (item, key) = (c.value(item, "item")?, c.str(key, "key")?.to_owned());
        writing(&*c.get(value, "value")?).insert_key(c.path(path)?, key, item)
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
    status(error, |c| write(c, value, path, Value::String(c.str(item, "item")?.to_owned())))
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
        write(c, value, path, Value::Bytes(c.bytes(item, item_len, "item")?.to_vec()))
    })
}

/// Puts a handle of whichever class into a value, with a hold of its own.
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
        let (item, value) = (c.value(item, "item")?, c.get(value, "value")?);
        writing(&value).append(c.path(path)?, item)
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
    status(error, |c| writing(&*c.get(value, "value")?).remove(c.str(path, "path")?).map(drop))
}

/// Tells whether two values are equal: numbers by what they are worth, maps
/// whatever the order of their keys.
///
/// - `other`: the other value
/// - `equal`: whether they are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_equal(
    value: *mut vkvm_value,
    other: *mut vkvm_value,
    equal: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(equal, "equal")?;
        // One is copied, because holding both could meet another thread that
        // takes them the other way round.
        let other = c.value(other, "other")?;
        out.set(*reading(&*c.get(value, "value")?) == other);
        Ok(())
    })
}

/// Writes a value as JSON. Bytes become `{"$bytes": "<base64>"}`.
///
/// - `pretty`: 0 for one line, anything else for indented lines
/// - `json`: the JSON
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_to_json(
    value: *mut vkvm_value,
    pretty: c_int,
    json: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(json, "json")?;
        out.set(Text::from_str(&reading(&*c.get(value, "value")?).to_json(pretty != 0)?));
        Ok(())
    })
}

/// Reads a value from JSON. Malformed JSON is an error with line and column.
///
/// - `json`: the JSON
/// - `value`: the value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_from_json(
    json: *const c_char,
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(Value::from_json(c.str(json, "json")?)?))
}

/// Writes a map with one key, the name of the root element, as XML.
///
/// Keys that begin with @ are attributes, `#text` is the text beside them,
/// lists are repeated elements, bools and null are empty elements.
///
/// - `xml`: the document
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_to_xml(
    value: *mut vkvm_value,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(Text::from_str(&xml::to_xml(&reading(&*c.get(value, "value")?))?));
        Ok(())
    })
}

/// Reads a value from XML, by the rules of `vkvm_value_to_xml`. Malformed XML
/// is an error with line and column.
///
/// - `xml`: the document
/// - `value`: a map with one key, the name of the root element
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_from_xml(
    xml: *const c_char,
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(xml::from_xml(c.str(xml, "xml")?)?))
}

/// Shows every part of a value to a visitor, in order.
///
/// The visitor must not change the value: that would wait for itself.
///
/// - `path` (nullable): which part of the value
/// - `visitor`: the functions that get the parts
/// - `userdata` (nullable): passed to them
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_visit(
    value: *mut vkvm_value,
    path: *const c_char,
    visitor: *const vkvm_value_visitor,
    userdata: *mut c_void,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let visitor = super::visitor::Visitor::new(c, visitor, userdata)?;
        read(c, value, path, |part| {
            visitor.show(part);
            Ok(())
        })
    })
}

fn set<T>(out: Out<'_, T>, result: Result<T>) -> Result<()> {
    out.set(result?);
    Ok(())
}

fn read<T>(
    c: &Caller,
    value: *mut vkvm_value,
    path: *const c_char,
    use_it: impl FnOnce(&Value) -> Result<T>,
) -> Result<T> {
    let value = c.get(value, "value")?;
    let value = reading(&value);
    use_it(value.get(c.path(path)?)?)
}

fn write(c: &Caller, value: *mut vkvm_value, path: *const c_char, item: Value) -> Result<()> {
    writing(&*c.get(value, "value")?).set(c.path(path)?, item)
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
    let Value::Map(map) = value else { return Err(wrong_kind(value, "a map")) };
    let (key, _) = map.get_index(index).ok_or_else(|| {
        let reason = format!("is {index}, but the map has {} keys", map.len());
        Misuse::Invalid { parameter: "index", reason }
    })?;
    whole_text(key)
}

fn handle_of(value: &Value) -> Result<*mut c_void> {
    let Value::Handle(handle) = value else { return Err(wrong_kind(value, "a handle")) };
    let hold = std::mem::ManuallyDrop::new(AnyHandle::retain(handle.id(), "path")?);
    Ok(hold.id() as *mut c_void)
}

/// Text for C, which would end at a NUL byte.
fn whole_text(text: &str) -> Result<Text> {
    match text.find('\0') {
        None => Ok(Text::from_str(text)),
        Some(offset) => Err(Misuse::EmbeddedNul { parameter: "path", offset }.into()),
    }
}
