// SPDX-License-Identifier: LGPL-2.1-or-later
//! Places that C's functions write their outputs to, and the values these become.

use std::ffi::{CStr, c_char, c_int};
use std::marker::PhantomData;
use std::ptr;

use crate::capi::caller::writing;
use crate::capi::types::{Handle, SharedValue};
use crate::error::Result;
use crate::handle::{self, AnyHandle, Class, Object as _};
use crate::memory;
use crate::value::Value;

/// A place for an output. What was written and not taken is freed with it.
pub trait Output {
    /// Takes what was written.
    fn take(&mut self) -> Result<Value>;

    /// Where the length of an array goes.
    fn length(&mut self) -> *mut usize {
        ptr::null_mut()
    }
}

/// For a number or a bool.
#[repr(transparent)]
pub struct Plain<T>(pub T);

impl<T: Copy + Into<Value>> Output for Plain<T> {
    fn take(&mut self) -> Result<Value> {
        Ok(self.0.into())
    }
}

/// For a size.
#[repr(transparent)]
pub struct Size(pub usize);

impl Output for Size {
    fn take(&mut self) -> Result<Value> {
        Ok(Value::Uint(self.0 as u64))
    }
}

/// Room of the caller's.
pub struct Room(pub Vec<u8>);

impl Output for Room {
    fn take(&mut self) -> Result<Value> {
        Ok(Value::Bytes(std::mem::take(&mut self.0)))
    }
}

/// For text.
#[repr(transparent)]
pub struct Text(*mut c_char);

impl Default for Text {
    fn default() -> Self {
        Text(ptr::null_mut())
    }
}

impl Output for Text {
    fn take(&mut self) -> Result<Value> {
        // SAFETY: NULL, or text that a function of ours gave.
        unsafe { text(self.0) }
    }
}

impl Drop for Text {
    /// A document may have secrets in it.
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: C's text, which came from malloc.
            unsafe {
                libc::explicit_bzero(self.0.cast(), libc::strlen(self.0));
                libc::free(self.0.cast());
            }
        }
    }
}

/// Text as a value; what is not UTF-8 is bytes.
///
/// # Safety
/// NULL, or C's text.
unsafe fn text(text: *const c_char) -> Result<Value> {
    if text.is_null() {
        return Ok(Value::Null);
    }
    // SAFETY: as promised.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    let mut copy = memory::list(bytes.len(), "result")?;
    copy.extend_from_slice(bytes);
    Ok(match String::from_utf8(copy) {
        Ok(text) => Value::String(text),
        Err(other) => Value::Bytes(other.into_bytes()),
    })
}

/// For a handle; values are not handles in a result but themselves.
#[repr(transparent)]
pub struct Object<H>(*mut H);

impl<H> Default for Object<H> {
    fn default() -> Self {
        Object(ptr::null_mut())
    }
}

impl<H: Handle> Output for Object<H> {
    fn take(&mut self) -> Result<Value> {
        let id = std::mem::replace(&mut self.0, ptr::null_mut()) as usize;
        if id == 0 { Ok(Value::Null) } else { object::<H>(AnyHandle::from_id(id)) }
    }
}

impl<H> Drop for Object<H> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            drop(AnyHandle::from_id(self.0 as usize));
        }
    }
}

/// A handle as a value, or the value behind it.
fn object<H: Handle>(hold: AnyHandle) -> Result<Value> {
    if H::Object::CLASS != Class::Value {
        return Ok(Value::Handle(hold));
    }
    let value = handle::get::<SharedValue>(hold.id(), "result")?;
    let mut value = writing(&value)?;
    Ok(std::mem::replace(&mut *value, Value::Null))
}

/// For an array and its length.
#[repr(C)]
pub struct Array<T> {
    items: *mut T,
    count: usize,
}

impl<T> Default for Array<T> {
    fn default() -> Self {
        Array { items: ptr::null_mut(), count: 0 }
    }
}

impl<T> Array<T> {
    /// What was written.
    fn items(&self) -> &[T] {
        match self.count {
            0 => &[],
            // SAFETY: a function of ours has written an array of that many.
            count => unsafe { std::slice::from_raw_parts(self.items, count) },
        }
    }

    fn list(&self, value: impl FnMut(&T) -> Result<Value>) -> Result<Value> {
        Ok(Value::List(memory::collect(self.items().iter().map(value), "result")?))
    }
}

impl<T> Drop for Array<T> {
    fn drop(&mut self) {
        // SAFETY: NULL, or an array from malloc.
        unsafe { libc::free(self.items.cast()) }
    }
}

/// For bytes.
#[derive(Default)]
#[repr(transparent)]
pub struct Bytes(Array<u8>);

impl Output for Bytes {
    fn take(&mut self) -> Result<Value> {
        let mut bytes = memory::list(self.0.count, "result")?;
        bytes.extend_from_slice(self.0.items());
        Ok(Value::Bytes(bytes))
    }

    fn length(&mut self) -> *mut usize {
        &mut self.0.count
    }
}

impl Drop for Bytes {
    /// They may be secret.
    fn drop(&mut self) {
        if !self.0.items.is_null() {
            // SAFETY: that many bytes are there.
            unsafe { libc::explicit_bzero(self.0.items.cast(), self.0.count) }
        }
    }
}

/// For numbers.
#[derive(Default)]
#[repr(transparent)]
pub struct Ints(Array<c_int>);

impl Output for Ints {
    fn take(&mut self) -> Result<Value> {
        self.0.list(|int| Ok(Value::from(*int)))
    }

    fn length(&mut self) -> *mut usize {
        &mut self.0.count
    }
}

/// For texts.
#[derive(Default)]
#[repr(transparent)]
pub struct Texts(Array<*mut c_char>);

impl Output for Texts {
    fn take(&mut self) -> Result<Value> {
        // SAFETY: texts that a function of ours gave.
        self.0.list(|one| unsafe { text(*one) })
    }

    fn length(&mut self) -> *mut usize {
        &mut self.0.count
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        for text in self.0.items() {
            // SAFETY: from malloc.
            unsafe { libc::free(text.cast()) }
        }
    }
}

/// For handles.
#[repr(transparent)]
pub struct Handles<H>(Array<usize>, PhantomData<H>);

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Handles(Array::default(), PhantomData)
    }
}

impl<H: Handle> Output for Handles<H> {
    fn take(&mut self) -> Result<Value> {
        let mut items = memory::list(self.0.count, "result")?;
        while let Some(id) = self.0.items().last() {
            let hold = AnyHandle::from_id(*id);
            self.0.count -= 1;
            items.push(object::<H>(hold)?);
        }
        items.reverse();
        Ok(Value::List(items))
    }

    fn length(&mut self) -> *mut usize {
        &mut self.0.count
    }
}

impl<H> Drop for Handles<H> {
    fn drop(&mut self) {
        for id in self.0.items() {
            drop(AnyHandle::from_id(*id));
        }
    }
}
