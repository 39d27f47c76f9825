// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_error_*`: what went wrong.
//!
//! The texts are borrowed from the error. Asked of something that is no live
//! error, the accessors answer with 0 or NULL, and the message says so.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use super::caller::Caller;
use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_value};
use crate::core::Text;
use crate::error::Details;
use crate::value::Value;

/// Adds a reference to the error handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_error_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_ref(err: *mut vkvm_error) -> *mut vkvm_error {
    direct(ptr::null_mut(), |c| c.retain(err))
}

/// Releases a reference to the error handle.
///
/// Texts that were borrowed from the error end with its last reference. NULL and handles that
/// are not live are ignored.
///
/// - `err` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_free(err: *mut vkvm_error) {
    void(|c| c.free(err))
}

/// Returns the message of the error, for people to read.
///
/// For NULL in place of an error it returns "no error".
///
/// - `err` (nullable)
/// - `return`: the text, borrowed from the error; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_message(err: *mut vkvm_error) -> *const c_char {
    direct(no_message(err).as_ptr(), |c| text(c, err, |details| Some(&details.message)))
}

/// Returns the code of the error.
///
/// libvirt's codes are below 10000, the library's own codes (`VKVM_ERROR_OWN_*`) from 10000 on.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return` (enum error_code error_warning error_own_code)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_code(err: *mut vkvm_error) -> c_int {
    direct(0, |c| number(c, err, |details| details.code))
}

/// Returns the error domain: the part of libvirt that reported the error.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return` (enum error_domain)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_domain(err: *mut vkvm_error) -> c_int {
    direct(0, |c| number(c, err, |details| details.domain))
}

/// Returns the level of the error: a warning or an error.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return` (enum error_level)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_level(err: *mut vkvm_error) -> c_int {
    direct(0, |c| number(c, err, |details| details.level))
}

/// Returns the first of libvirt's extra strings of the error.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the text, borrowed from the error, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_str1(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.strings[0].as_deref()))
}

/// Returns the second of libvirt's extra strings of the error.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the text, borrowed from the error, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_str2(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.strings[1].as_deref()))
}

/// Returns the third of libvirt's extra strings of the error.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the text, borrowed from the error, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_str3(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.strings[2].as_deref()))
}

/// Returns the first of libvirt's extra numbers of the error.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return`: the number, or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_int1(err: *mut vkvm_error) -> c_int {
    direct(0, |c| number(c, err, |details| details.ints[0]))
}

/// Returns the second of libvirt's extra numbers of the error.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return`: the number, or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_int2(err: *mut vkvm_error) -> c_int {
    direct(0, |c| number(c, err, |details| details.ints[1]))
}

/// Returns the name of the function that failed.
///
/// It is libvirt's function, or the function of this library when libvirt was not reached.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the name, a static text; NULL when `err` is not a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_function(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.function.as_deref()))
}

/// Returns the name of the parameter that was wrong.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the name, borrowed from the error; NULL when no parameter is the
///   cause.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_parameter(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.parameter.as_deref()))
}

/// Returns advice on the error, in one sentence.
///
/// There is advice for connections that could not be opened.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the sentence, borrowed from the error, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_hint(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.hint.as_deref()))
}

/// Returns the functions of this library that the message names.
///
/// Bindings replace them with the names in their language.
///
/// For NULL in place of an error it returns NULL.
///
/// - `err` (nullable)
/// - `return` (nullable): the names as in the message, separated by spaces, borrowed from the
///   error; NULL when it names none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_mentions(err: *mut vkvm_error) -> *const c_char {
    direct(ptr::null(), |c| text(c, err, |details| details.mentions.as_deref()))
}

/// Returns the line of the error in a document.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return`: the line, from 1; 0 when no document is the cause.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_line(err: *mut vkvm_error) -> u64 {
    direct(0, |c| Some(c.get(err, "err").ok()?.details().position?.0))
}

/// Returns the column of the error in a document.
///
/// For NULL in place of an error it returns 0.
///
/// - `err` (nullable)
/// - `return`: the column in characters, from 1; 0 when no document is the cause.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_column(err: *mut vkvm_error) -> u64 {
    direct(0, |c| Some(c.get(err, "err").ok()?.details().position?.1))
}

/// Returns all details of the error as JSON.
///
/// - `json`: an object with the keys `level`, `code`, `domain`, `message`, `str1` to `str3`,
///   `int1`, `int2`, `function`, `parameter`, `line`, `column`, and `hint` if there is one
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_to_json(
    err: *mut vkvm_error,
    json: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(json, "json")?;
        out.set(Text::from_rust(&Value::from(&*c.get(err, "err")?).to_json(false)?, "json")?);
        Ok(())
    })
}

/// Returns all details of the error as a value.
///
/// - `details` (map): a map with the keys of `vkvm_error_to_json`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_error_to_value(
    err: *mut vkvm_error,
    details: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(details, "details")?;
        out.set_value(Value::from(&*c.get(err, "err")?))
    })
}

/// What stands for the message where there is no error.
fn no_message(err: *mut vkvm_error) -> &'static CStr {
    if err.is_null() { c"no error" } else { c"this is no vkvm_error handle" }
}

fn number<T>(c: &Caller, err: *mut vkvm_error, pick: impl Fn(&Details) -> T) -> Option<T> {
    Some(pick(c.get(err, "err").ok()?.details()))
}

/// A text of the error. It outlives the look-up because an error never changes
/// and is freed by the caller only.
fn text(
    c: &Caller,
    err: *mut vkvm_error,
    pick: impl Fn(&Details) -> Option<&CStr>,
) -> Option<*const c_char> {
    pick(c.get(err, "err").ok()?.details()).map(CStr::as_ptr)
}
