// SPDX-License-Identifier: LGPL-2.1-or-later
//! Functions of the C API that messages name.

use std::ffi::{CStr, CString};
use std::fmt;

/// A function of the C API that a message tells the program about. Bindings put their
/// own name for it in the place of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(&'static CStr);

impl Function {
    /// Makes the library's loop the process's, to be run by the program.
    pub const EVENT_REGISTER_DEFAULT: Function = Function(c"vkvm_event_register_default");
    /// Makes a loop of the program's own the process's.
    pub const EVENT_REGISTER_IMPL: Function = Function(c"vkvm_event_register_impl");
    /// Runs the library's loop.
    pub const EVENT_RUN_DEFAULT: Function = Function(c"vkvm_event_run_default");
    /// Runs the library's loop on a thread of its own.
    pub const EVENT_START: Function = Function(c"vkvm_event_start");

    /// All that there are.
    #[cfg(test)]
    pub const ALL: [Function; 4] = [
        Function::EVENT_REGISTER_DEFAULT,
        Function::EVENT_REGISTER_IMPL,
        Function::EVENT_RUN_DEFAULT,
        Function::EVENT_START,
    ];

    /// The names of some, with spaces between them; None for none.
    pub(super) fn list(functions: &[Function]) -> Option<CString> {
        let names: Vec<&[u8]> = functions.iter().map(|function| function.0.to_bytes()).collect();
        CString::new(names.join(&b' ')).ok().filter(|list| !list.is_empty())
    }

    /// Its name in C.
    pub const fn name(self) -> &'static CStr {
        self.0
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string_lossy())
    }
}
