// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_enum_*`: the groups of constants, and their names as people write them.

use std::ffi::{c_char, c_int};

use super::guard::status;
use super::types::{vkvm_error, vkvm_value};
use crate::constants::Number;
use crate::core::Text;
use crate::enums::{self, GROUPS, Group, Member};
use crate::value::{Map, Value};

/// Returns the name of a constant by its value, such as "running" for 1.
///
/// - `group`: group of constants, such as "domain_state"
/// - `value`: value of the group; in a group of flags also a bitwise OR of several
/// - `name`: name in lower case; names of several flags are separated by `|`, and no flag is an
///   empty string
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_enum_get_name(
    group: *const c_char,
    value: i64,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        let group = enums::group(c.str(group, "group")?, "group")?;
        out.set(Text::from_rust(&group.name_of(value, "value")?, "value")?);
        Ok(())
    })
}

/// Returns the value of a constant by its name, such as 1 for "running".
///
/// - `group`: group of constants, such as "domain_state"
/// - `name`: name, in upper or lower case; in a group of flags also several names, separated by
///   `|`, and an empty string means no flag
/// - `value`: the value
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_enum_get_value(
    group: *const c_char,
    name: *const c_char,
    value: *mut i64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(value, "value")?;
        let (group, name) = (c.str(group, "group")?, c.str(name, "name")?);
        out.set(enums::group(group, "group")?.value_of(name, "name")?);
        Ok(())
    })
}

/// Lists the groups of constants.
///
/// - `enums` (list): a list of maps with the keys `name`, `class` (as in function names), `doc`
///   (description) and `flags` (whether the constants are bits to combine)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_enum_list(
    enums: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(enums, "enums")?;
        out.set_value(Value::List(GROUPS.iter().map(describe).collect()))
    })
}

/// Lists the constants of a group.
///
/// - `group`: group of constants, such as "domain_state"
/// - `values` (list): a list of maps with the keys `name` (in lower case), `c_name`, `value`
///   (an integer or a string) and `doc` (description)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_enum_list_values(
    group: *const c_char,
    values: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(values, "values")?;
        let group = enums::group(c.str(group, "group")?, "group")?;
        out.set_value(Value::List(group.members().map(describe_member).collect()))
    })
}

fn describe(group: &Group) -> Value {
    Value::Map(Map::from_iter([
        ("name", group.name.into()),
        ("class", group.class.into()),
        ("doc", group.title.into()),
        ("flags", Value::Bool(group.flags)),
    ]))
}

fn describe_member(member: Member) -> Value {
    let value = match member.constant.value {
        Number::Int(number) => Value::Int(number),
        Number::Text(text) => Value::String(text.to_owned()),
    };
    Value::Map(Map::from_iter([
        ("name", member.name.as_str().into()),
        ("c_name", member.c_name().as_str().into()),
        ("value", value),
        ("doc", member.doc.into()),
    ]))
}
