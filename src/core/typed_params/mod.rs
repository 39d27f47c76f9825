// SPDX-License-Identifier: LGPL-2.1-or-later
//! libvirt's typed parameters <-> maps.
//!
//! A driver reports its parameters with their types (`read.rs`); that report is also what
//! tells which type a value has to be sent as (`given.rs`, `push.rs`).

mod given;
mod push;
mod read;
#[cfg(test)]
mod tests;

use std::ffi::c_int;
use std::ptr;

use virt::sys;
use zeroize::Zeroize;

use super::call;
use crate::error::{Misuse, Result};

pub use given::{MULTIPLE, check_scalars};
pub use read::{int, number, to_map};

/// An array of typed parameters that libvirt allocated.
#[derive(Debug)]
pub struct TypedParams {
    array: *mut sys::virTypedParameter,
    len: c_int,
    room: c_int,
}

// SAFETY: the array is plain memory that nobody else points to, and libvirt frees it on any thread.
unsafe impl Send for TypedParams {}

impl TypedParams {
    /// No parameters.
    pub fn new() -> Self {
        call::initialize();
        TypedParams { array: ptr::null_mut(), len: 0, room: 0 }
    }

    /// Asks a getter that fills an array of the caller's: `call` is made with
    /// NULL first, which yields the number of parameters, then with an array.
    pub fn ask(
        mut call: impl FnMut(*mut sys::virTypedParameter, &mut c_int) -> Result<()>,
    ) -> Result<Self> {
        let mut len = 0;
        call(ptr::null_mut(), &mut len)?;
        Self::fill(len, call)
    }

    /// Lets `call` fill an array of `len` parameters; it may use fewer.
    pub fn fill(
        len: c_int,
        mut call: impl FnMut(*mut sys::virTypedParameter, &mut c_int) -> Result<()>,
    ) -> Result<Self> {
        let mut params = TypedParams::new();
        if len <= 0 {
            return Ok(params);
        }
        // SAFETY: calloc of a C array; all-zero is a valid, empty parameter.
        let array = unsafe { libc::calloc(len as usize, size_of::<sys::virTypedParameter>()) };
        if array.is_null() {
            return Err(Misuse::Internal { what: format!("no memory for {len} parameters") }.into());
        }
        params = TypedParams { array: array.cast(), len, room: len };
        call(params.array, &mut params.len)?;
        params.len = params.len.clamp(0, len);
        Ok(params)
    }

    /// Takes over an array that libvirt allocated.
    ///
    /// # Safety
    /// `array` is NULL or an array of `len` parameters for virTypedParamsFree.
    pub unsafe fn adopt(array: *mut sys::virTypedParameter, len: c_int) -> Self {
        TypedParams { array, len, room: len }
    }

    /// The parameters.
    pub fn as_slice(&self) -> &[sys::virTypedParameter] {
        // SAFETY: `array` holds at least `len` initialised parameters.
        unsafe { slice(self.array, self.len) }
    }

    /// For libvirt: the array and its length. libvirt takes none, but no NULL for it.
    pub fn as_raw(&self) -> (*mut sys::virTypedParameter, c_int) {
        let none = ptr::NonNull::dangling().as_ptr();
        (if self.array.is_null() { none } else { self.array }, self.len)
    }

    /// Overwrites all texts: secrets are not to stay in memory that is freed.
    pub fn wipe(&mut self) {
        for param in self.as_slice() {
            // SAFETY: `type_` says that this member of the union is set, and the text
            // is ours, of as many bytes as its length.
            unsafe {
                if param.type_ as u32 == sys::VIR_TYPED_PARAM_STRING && !param.value.s.is_null() {
                    let len = libc::strlen(param.value.s);
                    std::slice::from_raw_parts_mut(param.value.s.cast::<u8>(), len).zeroize();
                }
            }
        }
    }
}

impl Default for TypedParams {
    fn default() -> Self {
        TypedParams::new()
    }
}

impl Drop for TypedParams {
    fn drop(&mut self) {
        // SAFETY: we own the array, which libvirt's or libc's malloc made.
        unsafe { sys::virTypedParamsFree(self.array, self.len) }
    }
}

/// The parameters in a C array, which may be NULL when it is empty.
///
/// # Safety
/// `array` is NULL or holds `len` initialised parameters for as long as `'a`.
pub unsafe fn slice<'a>(
    array: *const sys::virTypedParameter,
    len: c_int,
) -> &'a [sys::virTypedParameter] {
    if array.is_null() || len <= 0 {
        return &[];
    }
    // SAFETY: as promised by the caller.
    unsafe { std::slice::from_raw_parts(array, len as usize) }
}
