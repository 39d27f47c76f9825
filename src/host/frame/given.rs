//! Text that was given: for libvirt, for messages, and what is wrong with it.

use std::ffi::{CStr, CString};

use crate::error::{Error, Misuse, Result};

/// Text for libvirt.
pub fn c_text(text: String, whose: impl FnOnce() -> String) -> Result<CString> {
    CString::new(text).map_err(|error| {
        let offset = error.nul_position();
        let whose = whose();
        wrong(format!("{whose} has a NUL byte at offset {offset}; text must not have one"))
    })
}

/// The text of an argument, for messages.
pub fn shown(text: &CStr) -> &str {
    text.to_str().unwrap_or_default()
}

/// An error about the arguments.
pub fn wrong(reason: String) -> Error {
    Misuse::Invalid { parameter: "args", reason }.into()
}
