// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_constant_*`: the constants, for bindings that make their own.

use std::ffi::c_int;

use super::guard::status;
use super::types::{vkvm_error, vkvm_value};
use crate::constants::{CONSTANTS, Constant, Number};
use crate::value::{Map, Value};

/// Lists all constants, for bindings that define their own.
///
/// - `constants` (list): a list of maps with the keys `class` (as in function names), `name`
///   (Sys::Virt's), `value` (an integer or a string)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_constant_list(
    constants: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(constants, "constants")?;
        out.set_value(Value::List(CONSTANTS.iter().map(describe).collect()))
    })
}

fn describe(constant: &Constant) -> Value {
    let value = match constant.value {
        Number::Int(number) => Value::Int(number),
        Number::Text(text) => Value::String(text.to_owned()),
    };
    Value::Map(Map::from_iter([
        ("class", constant.class.into()),
        ("name", constant.name.into()),
        ("value", value),
    ]))
}
