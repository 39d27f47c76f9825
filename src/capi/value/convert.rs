// SPDX-License-Identifier: LGPL-2.1-or-later
//! Values as a whole: compared, shown, written and read as JSON and XML.

use std::ffi::{c_char, c_int, c_void};

use zeroize::Zeroize;

use crate::capi::caller::{reading, showing};
use crate::capi::guard::status;
use crate::capi::types::{vkvm_error, vkvm_value, vkvm_value_visitor};
use crate::capi::visitor::Visitor;
use crate::core::Text;
use crate::value::Value;
use crate::xml;

/// Reports whether two values are equal.
///
/// Numbers are compared by their values, maps regardless of the order of their keys.
///
/// - `other`: the other value
/// - `equal`: true if they are
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

/// Converts the value to JSON.
///
/// Bytes become `{"$bytes": "<base64>"}`.
///
/// - `pretty`: 0 for a single line, any other value for indented lines
/// - `json`: the JSON text
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_to_json(
    value: *mut vkvm_value,
    pretty: c_int,
    json: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(json, "json")?;
        let text = reading(&*c.get(value, "value")?).to_json(pretty != 0)?;
        out.set(Text::from_rust(&text, "value")?);
        Ok(())
    })
}

/// Creates a value from JSON.
///
/// Malformed JSON is an error with line and column.
///
/// - `json`: the JSON text
/// - `value`: the value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_from_json(
    json: *const c_char,
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out_handle(value, "value")?.set_value(Value::from_json(c.str(json, "json")?)?)
    })
}

/// Converts the value to XML.
///
/// The value is a map with one key, the name of the root element. The rules are:
///
/// - a key that begins with @ is an attribute
/// - the key `#text` is the text of an element that has attributes or children
/// - a list is a repeated element
/// - true, null and an empty map are an empty element; false is no element
/// - the key `#order`, a list of names, gives the order of children and pieces of text where
///   the order of the keys does not; `#text` is then the list of the pieces
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
        let text = xml::to_xml(&reading(&*c.get(value, "value")?))?;
        out.set(Text::from_rust(&text, "value")?);
        Ok(())
    })
}

/// Creates a value from XML, by the rules of `vkvm_value_to_xml`.
///
/// Malformed XML is an error with line and column.
///
/// - `xml`: the document
/// - `value` (map): a map with one key, the name of the root element
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_from_xml(
    xml: *const c_char,
    value: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(value, "value")?.set_value(xml::from_xml(c.str(xml, "xml")?)?))
}

/// Passes every part of the value to a visitor, in order.
///
/// The visitor cannot change the value: an attempt is an error.
///
/// - `path` (nullable): path of the part; NULL means the value itself
/// - `visitor`: functions that receive the parts
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
        let visitor = Visitor::new(c, visitor, userdata)?;
        showing(&*c.get(value, "value")?, |value| {
            visitor.show(value.get(c.path(path)?)?);
            Ok(())
        })
    })
}

/// Passes every part of the value to a visitor, and releases a reference to it.
///
/// It is `vkvm_value_visit` and `vkvm_value_free` in one, the fast way to convert a returned
/// value. The reference is released even if the visitor is refused. The visitor must not use
/// the handle. With the last reference a value that is text or bytes alone is wiped, as by
/// `vkvm_value_wipe_and_free`, since commands return secrets that way.
///
/// - `value` (consumed)
/// - `visitor`: functions that receive the parts
/// - `userdata` (nullable): passed to them
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_visit_and_free(
    value: *mut vkvm_value,
    visitor: *const vkvm_value_visitor,
    userdata: *mut c_void,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mut value = c.get_last(value, "value")?;
        let visitor = Visitor::new(c, visitor, userdata)?;
        match value.alone() {
            Some(alone) => {
                let value = alone.get_mut();
                visitor.show(value);
                if matches!(value, Value::String(_) | Value::Bytes(_)) {
                    value.zeroize();
                }
            }
            None => showing(&value, |value| visitor.show(value)),
        }
        Ok(())
    })
}

/// Passes every part of an XML document to a visitor.
///
/// The visitor sees what `vkvm_value_visit` would pass for the result of `vkvm_value_from_xml`,
/// but no value is built: the fast way to convert XML. Malformed XML is an error with line and
/// column, reported before the visitor is called. The visitor must not change the document.
///
/// - `xml`: the document
/// - `visitor`: functions that receive the parts
/// - `userdata` (nullable): passed to them
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_value_visit_xml(
    xml: *const c_char,
    visitor: *const vkvm_value_visitor,
    userdata: *mut c_void,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mut visitor = Visitor::new(c, visitor, userdata)?;
        xml::visit_xml(c.str(xml, "xml")?, &mut visitor)
    })
}
