// SPDX-License-Identifier: LGPL-2.1-or-later
//! One value as a typed parameter, of the type that it has to be sent as.

use std::ffi::{CString, c_int};

use virt::sys;
use zeroize::Zeroizing;

use super::TypedParams;
use crate::core::call;
use crate::error::{Error, Misuse, Result};
use crate::memory;
use crate::value::Value;

impl TypedParams {
    /// Adds a parameter of one of the `VIR_TYPED_PARAM_*` types. Numbers are read as
    /// Perl's plain arguments are, see [`Value::whole_number`].
    ///
    /// The error of a value that is refused has the key as its first text and the type
    /// that is needed as its second.
    pub fn push(
        &mut self,
        key: &str,
        kind: u32,
        value: &Value,
        parameter: &'static str,
    ) -> Result<()> {
        let given = Given { key, kind, value, parameter };
        let text = c_text(key, parameter)?;
        let (array, len, room, name) =
            (&mut self.array, &mut self.len, &mut self.room, text.as_ptr());
        // SAFETY: array, len and room belong together; the texts are C strings.
        let added = unsafe {
            match kind {
                sys::VIR_TYPED_PARAM_INT => {
                    sys::virTypedParamsAddInt(array, len, room, name, given.int()?)
                }
                sys::VIR_TYPED_PARAM_UINT => {
                    sys::virTypedParamsAddUInt(array, len, room, name, given.uint()?)
                }
                sys::VIR_TYPED_PARAM_LLONG => {
                    sys::virTypedParamsAddLLong(array, len, room, name, given.llong()?)
                }
                sys::VIR_TYPED_PARAM_ULLONG => {
                    sys::virTypedParamsAddULLong(array, len, room, name, given.ullong()?)
                }
                sys::VIR_TYPED_PARAM_DOUBLE => {
                    sys::virTypedParamsAddDouble(array, len, room, name, given.double()?)
                }
                sys::VIR_TYPED_PARAM_BOOLEAN => {
                    sys::virTypedParamsAddBoolean(array, len, room, name, given.boolean()?)
                }
                _ => {
                    let text = given.string()?;
                    sys::virTypedParamsAddString(array, len, room, name, text.as_ptr().cast())
                }
            }
        };
        if added < 0 { Err(call::failed(c"virTypedParamsAdd")) } else { Ok(()) }
    }
}

/// A value that a caller gives, as each of libvirt's types.
struct Given<'a> {
    key: &'a str,
    /// The type that is needed.
    kind: u32,
    value: &'a Value,
    parameter: &'static str,
}

impl Given<'_> {
    fn int(&self) -> Result<i32> {
        self.whole("a 32-bit integer")
    }

    fn uint(&self) -> Result<u32> {
        self.whole("a 32-bit integer that is not negative")
    }

    fn llong(&self) -> Result<i64> {
        self.whole("a 64-bit integer")
    }

    fn ullong(&self) -> Result<u64> {
        self.whole("a 64-bit integer that is not negative")
    }

    fn double(&self) -> Result<f64> {
        self.value.real_number().ok_or_else(|| self.refused("a number"))
    }

    fn boolean(&self) -> Result<c_int> {
        self.value.get_bool("").map(c_int::from).map_err(|_| self.refused("true or false"))
    }

    /// With its NUL. It may be a secret.
    fn string(&self) -> Result<Zeroizing<Vec<u8>>> {
        let text = self.value.as_text().ok_or_else(|| self.wrong("text"))?;
        Ok(Zeroizing::new(c_text(&text, self.parameter)?.into_bytes_with_nul()))
    }

    /// A number of one of the integer types.
    fn whole<T: TryFrom<i128>>(&self, wanted: &'static str) -> Result<T> {
        let number = self.value.whole_number().ok_or_else(|| self.refused("an integer"))?;
        T::try_from(number).map_err(|_| self.refused(wanted))
    }

    /// The error for a value that is not `wanted`.
    fn refused(&self, wanted: &'static str) -> Error {
        if matches!(self.value, Value::Null | Value::List(_) | Value::Map(_) | Value::Handle(_)) {
            return self.wrong(wanted);
        }
        let reason = format!("\"{}\" is {}; {wanted} is needed", self.key, self.value.shown());
        self.named(Misuse::Invalid { parameter: self.parameter, reason })
    }

    /// The error for a value of a kind that no number or text is.
    fn wrong(&self, wanted: &'static str) -> Error {
        let (parameter, path, actual) =
            (self.parameter, self.key.to_owned(), self.value.kind().phrase());
        self.named(Misuse::WrongType { parameter, path, actual, wanted })
    }

    fn named(&self, misuse: Misuse) -> Error {
        Error::from(misuse).with_strings(self.key, type_name(self.kind))
    }
}

/// The name of a `VIR_TYPED_PARAM_*` type, as libvirt's own messages have it.
fn type_name(kind: u32) -> &'static str {
    match kind {
        sys::VIR_TYPED_PARAM_INT => "int",
        sys::VIR_TYPED_PARAM_UINT => "uint",
        sys::VIR_TYPED_PARAM_LLONG => "llong",
        sys::VIR_TYPED_PARAM_ULLONG => "ullong",
        sys::VIR_TYPED_PARAM_DOUBLE => "double",
        sys::VIR_TYPED_PARAM_BOOLEAN => "boolean",
        _ => "string",
    }
}

fn c_text(text: &str, parameter: &'static str) -> Result<CString> {
    if let Some(offset) = text.find('\0') {
        return Err(Misuse::EmbeddedNul { parameter, offset }.into());
    }
    let mut bytes = memory::list(text.len() + 1, parameter)?;
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    CString::from_vec_with_nul(bytes)
        .map_err(|_| Misuse::Internal { what: "text without its end".to_owned() }.into())
}
