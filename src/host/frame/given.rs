// SPDX-License-Identifier: LGPL-2.1-or-later
//! Text that was given: for libvirt, for messages, and what is wrong with it.

use std::ffi::{CStr, CString};

use crate::error::{Details, Error, Misuse, Result};

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

/// The same error, which names the argument of the command as the parameter to blame.
pub fn blaming(argument: &str, error: &Error) -> Error {
    // A name that no argument can have is left out.
    let parameter = CString::new(argument).ok();
    Error::new(Details { parameter, ..error.details().clone() })
}
