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
        let text = reading(&*c.get(value, "value")?).to_json(pretty != 0)?;
        out.set(Text::from_rust(&text, "value")?);
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
    status(error, |c| {
        c.out_handle(value, "value")?.set_value(Value::from_json(c.str(json, "json")?)?)
    })
}

/// Writes a map with one key, the name of the root element, as XML.
///
/// Keys that begin with @ are attributes, `#text` is the text beside them, lists are
/// repeated elements. True, null and an empty map are an empty element, false is no
/// element. `#order`, a list of names, says in which order the children and pieces of
/// text stand where the order of the keys does not; `#text` is then the list of pieces.
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

/// Reads a value from XML, by the rules of `vkvm_value_to_xml`. Malformed XML
/// is an error with line and column.
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

/// Shows every part of a value to a visitor, in order.
///
/// The visitor cannot change the value: that is an error.
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
        let visitor = Visitor::new(c, visitor, userdata)?;
        showing(&*c.get(value, "value")?, |value| {
            visitor.show(value.get(c.path(path)?)?);
            Ok(())
        })
    })
}

/// Shows every part of a value to a visitor, as `vkvm_value_visit` does, and
/// gives up the hold on it, as `vkvm_value_free` does. This is the fast way to
/// turn a value that a call returned into something else.
///
/// The hold is given up also when the visitor is refused. The visitor must not
/// use the handle. If it was the last hold, and the value is text or bytes alone,
/// these are overwritten first, as by `vkvm_value_wipe_and_free`: that is how a command
/// gives a secret.
///
/// - `value` (consumed)
/// - `visitor`: the functions that get the parts
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

/// Shows every part of what an XML document says to a visitor: what
/// `vkvm_value_visit` shows of the value that `vkvm_value_from_xml` makes of it,
/// but without making it. This is the fast way to turn XML into something else.
///
/// Malformed XML is an error with line and column; nothing is shown then. The
/// visitor must not change the document.
///
/// - `xml`: the document
/// - `visitor`: the functions that get the parts
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
