// SPDX-License-Identifier: LGPL-2.1-or-later
//! Typed parameters that libvirt gave, as values.

use std::borrow::Cow;
use std::ffi::{CStr, c_int};

use virt::sys;

use super::TypedParams;
use crate::value::{Map, Value};

impl TypedParams {
    /// The parameters as a map, in the driver's order.
    pub fn to_map(&self) -> Map {
        to_map(self.as_slice())
    }

    /// The names and values, in the driver's order: what a map of them would have.
    pub fn entries(&self) -> Vec<(Cow<'_, str>, Value)> {
        self.as_slice().iter().map(|param| (field(param).to_string_lossy(), value(param))).collect()
    }
}

/// Typed parameters as a map, in their order. Repeated names keep the last value.
pub fn to_map(params: &[sys::virTypedParameter]) -> Map {
    let mut map = Map::with_capacity(params.len());
    for param in params {
        map.insert(field(param).to_string_lossy().into_owned(), value(param));
    }
    map
}

/// The integer of this name.
pub fn int(params: &[sys::virTypedParameter], name: &CStr) -> Option<c_int> {
    let param = params.iter().find(|param| field(param) == name)?;
    c_int::try_from(number(param)?.1).ok()
}

/// Name and value of a parameter that is a whole number.
pub fn number(param: &sys::virTypedParameter) -> Option<(&CStr, i128)> {
    // SAFETY: `type_` says which member of the union is set.
    let number = unsafe {
        match param.type_ as u32 {
            sys::VIR_TYPED_PARAM_INT => param.value.i.into(),
            sys::VIR_TYPED_PARAM_UINT => param.value.ui.into(),
            sys::VIR_TYPED_PARAM_LLONG => param.value.l.into(),
            sys::VIR_TYPED_PARAM_ULLONG => param.value.ul.into(),
            _ => return None,
        }
    };
    Some((field(param), number))
}

/// The name of a parameter.
pub(super) fn field(param: &sys::virTypedParameter) -> &CStr {
    // SAFETY: libvirt ends the name with a NUL inside its fixed-size array.
    unsafe { CStr::from_ptr(param.field.as_ptr()) }
}

/// The value of a parameter.
pub(super) fn value(param: &sys::virTypedParameter) -> Value {
    // SAFETY: `type_` says which member of the union is set.
    unsafe {
        match param.type_ as u32 {
            sys::VIR_TYPED_PARAM_INT => Value::Int(param.value.i.into()),
            sys::VIR_TYPED_PARAM_UINT => Value::Uint(param.value.ui.into()),
            sys::VIR_TYPED_PARAM_LLONG => Value::Int(param.value.l),
            sys::VIR_TYPED_PARAM_ULLONG => Value::Uint(param.value.ul),
            sys::VIR_TYPED_PARAM_DOUBLE => Value::Double(param.value.d),
            sys::VIR_TYPED_PARAM_BOOLEAN => Value::Bool(param.value.b != 0),
            sys::VIR_TYPED_PARAM_STRING if !param.value.s.is_null() => {
                Value::String(CStr::from_ptr(param.value.s).to_string_lossy().into_owned())
            }
            _ => Value::Null,
        }
    }
}
