// SPDX-License-Identifier: LGPL-2.1-or-later
//! Text in memory from malloc, as libvirt makes it and C frees it.

use std::ffi::{CStr, c_char};
use std::ops::Deref;
use std::ptr::NonNull;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::error::Result;
use crate::memory;

/// A C string from malloc.
///
/// libvirt's long texts (XML) reach C in it without being copied.
#[derive(Debug)]
pub struct Text(NonNull<c_char>);

// SAFETY: the text is owned and never written to.
unsafe impl Send for Text {}
// SAFETY: likewise.
unsafe impl Sync for Text {}

impl Text {
    /// Takes over a C string.
    ///
    /// # Safety
    /// It came from malloc, and nobody else frees or changes it.
    pub unsafe fn adopt(text: NonNull<c_char>) -> Self {
        Text(text)
    }

    /// A copy of `text`, the name of an object. Aborts when there is no memory, as Rust does.
    pub fn copy(text: &CStr) -> Self {
        // SAFETY: strdup of a C string gives one from malloc.
        match NonNull::new(unsafe { libc::strdup(text.as_ptr()) }) {
            Some(copy) => Text(copy),
            None => std::alloc::handle_alloc_error(std::alloc::Layout::for_value(text)),
        }
    }

    /// A copy of `text` for `parameter`, which ends at its first NUL byte if it has one.
    pub fn from_rust(text: &str, parameter: &'static str) -> Result<Self> {
        // SAFETY: strndup reads no more than `len` bytes.
        let copy = unsafe { libc::strndup(text.as_ptr().cast(), text.len()) };
        NonNull::new(copy).map(Text).ok_or_else(|| memory::none(parameter, text.len() + 1))
    }

    /// A uuid as lower-case text with hyphens.
    pub fn from_uuid(uuid: Uuid) -> Self {
        let mut text = [0; Hyphenated::LENGTH + 1];
        uuid.hyphenated().encode_lower(&mut text);
        // The last byte is the only NUL: hex digits and hyphens precede it.
        Text::copy(CStr::from_bytes_until_nul(&text).unwrap_or_default())
    }

    /// Gives the text to the caller, who frees it with `free`.
    pub fn into_raw(self) -> *mut c_char {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Deref for Text {
    type Target = CStr;
    fn deref(&self) -> &CStr {
        // SAFETY: a valid C string for as long as we own it.
        unsafe { CStr::from_ptr(self.0.as_ptr()) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: from malloc, and ours.
        unsafe { libc::free(self.0.as_ptr().cast()) }
    }
}
