// SPDX-License-Identifier: LGPL-2.1-or-later
//! C's arguments from values: what a value has to be follows from the C type.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use zeroize::Zeroizing;

use super::frame::{Frame, Made};
use super::output::{
    Bytes, Handles, Ints, Object as ObjectOutput, Output, Plain, Room, Size, Text, Texts,
};
use super::{Param, Role};
use crate::capi::types::{Handle, SharedValue, vkvm_error};
use crate::error::{Error, Misuse, Result};
use crate::handle::{AnyHandle, Class, Object};
use crate::memory;
use crate::value::Value;

/// A type of the C API's parameters.
pub trait Argument: Sized {
    /// Loads the next argument.
    fn load(frame: &mut Frame) -> Result<Self>;
}

/// A function of the C API with parameters of the types `A`.
pub trait Callable<A> {
    /// Calls it.
    fn call(self, frame: &mut Frame) -> Result<()>;
}

/// Calls a function with what is in the frame.
pub fn call<A>(function: impl Callable<A>, frame: &mut Frame) -> Result<()> {
    function.call(frame)
}

/// For functions with so many parameters before the error.
macro_rules! callable {
    ($($argument:ident)*) => {
        impl<$($argument: Argument),*> Callable<($($argument,)*)>
            for unsafe extern "C" fn($($argument,)* *mut *mut vkvm_error) -> c_int
        {
            #[allow(non_snake_case, reason = "a variable for each type")]
            fn call(self, frame: &mut Frame) -> Result<()> {
                $(let $argument = $argument::load(frame)?;)*
                let mut error = ptr::null_mut();
                // SAFETY: each argument is what its type asks for, and the frame holds
                // what it points to until the call is over.
                let status = unsafe { self($($argument,)* &mut error) };
                frame.ended(status, error)
            }
        }
    };
}
callable!();
callable!(A);
callable!(A B);
callable!(A B C);
callable!(A B C D);
callable!(A B C D E);
callable!(A B C D E F);
callable!(A B C D E F G);
callable!(A B C D E F G H);
callable!(A B C D E F G H I);

// --- numbers ----------------------------------------------------------------

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Argument for $type {
            fn load(frame: &mut Frame) -> Result<Self> {
                let param = frame.next();
                match frame.argument(param)? {
                    Some(value) => integer(param, value, Self::MIN.into(), Self::MAX.into())
                        .map(|number| number as Self),
                    None => Ok(param.default.unwrap_or(0) as Self),
                }
            }
        }
    )*};
}
integer!(c_int, u32, i64, u64);

fn integer(param: &Param, value: &Value, least: i128, most: i128) -> Result<i128> {
    let number = match value {
        Value::Int(number) => i128::from(*number),
        Value::Uint(number) => i128::from(*number),
        Value::Bool(truth) => i128::from(*truth),
        _ => return Err(wrong(param, value, "an integer")),
    };
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let reason = format!("is {number}; an integer from {least} to {most} is needed");
    Err(Misuse::Invalid { parameter: param.name, reason }.into())
}

impl Argument for usize {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        match param.role {
            Role::In => match frame.argument(param)? {
                Some(value) => size(param, value),
                None => Ok(0),
            },
            _ => Ok(frame.length),
        }
    }
}

fn size(param: &Param, value: &Value) -> Result<usize> {
    integer(param, value, 0, usize::MAX as i128).map(|number| number as usize)
}

impl Argument for bool {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        match frame.argument(param)? {
            None => Ok(param.default.is_some_and(|default| default != 0)),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(Value::Int(0) | Value::Uint(0)) => Ok(false),
            Some(Value::Int(1) | Value::Uint(1)) => Ok(true),
            Some(value) => Err(wrong(param, value, "a bool")),
        }
    }
}

impl Argument for f64 {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        match frame.argument(param)? {
            None => Ok(0.0),
            Some(Value::Double(number)) => Ok(*number),
            Some(Value::Int(number)) => Ok(*number as f64),
            Some(Value::Uint(number)) => Ok(*number as f64),
            Some(value) => Err(wrong(param, value, "a number")),
        }
    }
}

// --- texts, bytes, lists ------------------------------------------------------

impl Argument for *const c_char {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let Some(value) = frame.argument(param)? else { return Ok(ptr::null()) };
        let text = text(param, value)?;
        let data = text.as_ptr().cast();
        frame.keep(text);
        Ok(data)
    }
}

/// Text with the NUL behind it.
fn text(param: &Param, value: &Value) -> Result<Zeroizing<Vec<u8>>> {
    let Value::String(text) = value else { return Err(wrong(param, value, "a string")) };
    if let Some(offset) = text.bytes().position(|byte| byte == 0) {
        return Err(Misuse::EmbeddedNul { parameter: param.name, offset }.into());
    }
    let mut bytes = memory::list(text.len() + 1, param.name)?;
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    Ok(Zeroizing::new(bytes))
}

impl Argument for *const c_void {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let given = match frame.argument(param)? {
            None => return Ok(none(frame)),
            Some(Value::Bytes(bytes)) => bytes.as_slice(),
            Some(Value::String(text)) => text.as_bytes(),
            Some(value) => return Err(wrong(param, value, "bytes")),
        };
        let mut bytes = memory::list(given.len(), param.name)?;
        bytes.extend_from_slice(given);
        frame.length = bytes.len();
        let data = bytes.as_ptr().cast();
        frame.keep(Zeroizing::new(bytes));
        Ok(data)
    }
}

impl Argument for *const c_int {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let Some(items) = list(frame, param)? else { return Ok(none(frame)) };
        let int = |item| integer(param, item, c_int::MIN.into(), c_int::MAX.into());
        let ints = items.iter().map(|item| int(item).map(|number| number as c_int));
        let ints = memory::collect(ints, param.name)?;
        frame.length = ints.len();
        let data = ints.as_ptr();
        frame.keep(ints);
        Ok(data)
    }
}

impl Argument for *const *const c_char {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let Some(items) = list(frame, param)? else { return Ok(none(frame)) };
        let texts = memory::collect(items.iter().map(|item| text(param, item)), param.name)?;
        let pointers = texts.iter().map(|text| Ok(text.as_ptr().cast()));
        let pointers: Vec<*const c_char> = memory::collect(pointers, param.name)?;
        frame.length = pointers.len();
        let data = pointers.as_ptr();
        frame.keep((texts, pointers));
        Ok(data)
    }
}

impl<H: Handle> Argument for *const *mut H {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let Some(items) = list(frame, param)? else { return Ok(none(frame)) };
        let ids = memory::collect(items.iter().map(|item| id(param, item)), param.name)?;
        frame.length = ids.len();
        let data = ids.as_ptr().cast();
        frame.keep(ids);
        Ok(data)
    }
}

/// The items of a list; None when it is left out, and may be.
fn list<'a>(frame: &Frame<'a>, param: &Param) -> Result<Option<&'a [Value]>> {
    match frame.argument(param)? {
        None => Ok(None),
        Some(Value::List(items)) => Ok(Some(items)),
        Some(value) => Err(wrong(param, value, "a list")),
    }
}

/// An array that is left out.
fn none<T>(frame: &mut Frame) -> *const T {
    frame.length = 0;
    ptr::null()
}

// --- handles ------------------------------------------------------------------

impl<H: Handle> Argument for *mut H {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let Some(value) = frame.argument(param)? else { return Ok(ptr::null_mut()) };
        let id = match (<H::Object as Object>::CLASS, value) {
            // A value stands for itself; the function that is called reads a handle of it.
            (Class::Value, value) if !is_value_handle(value) => {
                let copy = SharedValue::new(value.try_clone(param.name)?);
                let made = AnyHandle::own(copy)?;
                let id = made.id();
                frame.keep(Made(made));
                id
            }
            (_, value) => id(param, value)?,
        };
        Ok(id as *mut H)
    }
}

fn is_value_handle(value: &Value) -> bool {
    matches!(value, Value::Handle(handle) if handle.class_name() == Class::Value.name())
}

fn id(param: &Param, value: &Value) -> Result<usize> {
    match value {
        Value::Handle(handle) => Ok(handle.id()),
        Value::Null => Ok(0),
        _ => Err(wrong(param, value, "a handle")),
    }
}

// --- callbacks: none ------------------------------------------------------------

impl<F> Argument for Option<F> {
    fn load(frame: &mut Frame) -> Result<Self> {
        frame.next();
        Ok(None)
    }
}

impl Argument for *mut c_void {
    fn load(frame: &mut Frame) -> Result<Self> {
        frame.next();
        Ok(ptr::null_mut())
    }
}

// --- places for outputs -----------------------------------------------------------

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Argument for *mut $type {
            fn load(frame: &mut Frame) -> Result<Self> {
                let param = frame.next();
                Ok(frame.output(param, Plain(<$type>::default())).cast())
            }
        }
    )*};
}
plain!(c_int, u32, i64, u64, f64, bool);

impl Argument for *mut usize {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        Ok(match param.role {
            Role::OutLength => frame.output_length(),
            _ => frame.output(param, Size(0)).cast(),
        })
    }
}

impl Argument for *mut u8 {
    fn load(frame: &mut Frame) -> Result<Self> {
        let param = frame.next();
        let (of, length) = frame.room_length()?;
        frame.length = size(of, length)?;
        let mut room = memory::list(frame.length, of.name)?;
        room.resize(frame.length, 0);
        let data = room.as_mut_ptr();
        frame.output(param, Room(room));
        Ok(data)
    }
}

/// A place whose first member is what the function writes to.
fn place<O: Output + Default + 'static, P>(frame: &mut Frame) -> Result<*mut P> {
    let param = frame.next();
    Ok(frame.output(param, O::default()).cast())
}

/// Text, or bytes with their length. Where C's char has no sign, as on arm64, both are `u8`.
fn text_or_bytes<P>(frame: &mut Frame) -> Result<*mut P> {
    if frame.next_has_length() { place::<Bytes, _>(frame) } else { place::<Text, _>(frame) }
}

impl Argument for *mut *mut i8 {
    fn load(frame: &mut Frame) -> Result<Self> {
        text_or_bytes(frame)
    }
}

impl Argument for *mut *mut u8 {
    fn load(frame: &mut Frame) -> Result<Self> {
        text_or_bytes(frame)
    }
}

impl Argument for *mut *mut c_int {
    fn load(frame: &mut Frame) -> Result<Self> {
        place::<Ints, _>(frame)
    }
}

impl Argument for *mut *mut *mut c_char {
    fn load(frame: &mut Frame) -> Result<Self> {
        place::<Texts, _>(frame)
    }
}

impl<H: Handle + 'static> Argument for *mut *mut H {
    fn load(frame: &mut Frame) -> Result<Self> {
        place::<ObjectOutput<H>, _>(frame)
    }
}

impl<H: Handle + 'static> Argument for *mut *mut *mut H {
    fn load(frame: &mut Frame) -> Result<Self> {
        place::<Handles<H>, _>(frame)
    }
}

fn wrong(param: &Param, value: &Value, wanted: &str) -> Error {
    let reason = format!("is {}; {wanted} is needed", value.kind().phrase());
    Misuse::Invalid { parameter: param.name, reason }.into()
}

#[cfg(test)]
mod tests {
    use super::super::{Row, invoke};
    use super::*;
    use crate::value::Map;

    /// An output as it is where C's char has no sign.
    static ROW: Row = Row {
        name: "text",
        params: &[Param::new("result", Role::Out)],
        blocks: false,
        this_thread: false,
        job: None,
        secret: false,
        call: |frame| {
            let place = <*mut *mut u8>::load(frame)?;
            // SAFETY: the place is the frame's, and the text comes from malloc.
            unsafe { *place = libc::strdup(c"text".as_ptr()).cast() };
            Ok(())
        },
    };

    #[test]
    fn an_output_without_a_length_is_text_where_char_is_unsigned() {
        assert_eq!(invoke(&ROW, &Map::new()).unwrap(), Value::String("text".into()));
    }
}
