//! `vkvm_handle_*`: the handle table.

use std::ffi::{c_char, c_int};

use super::guard::status;
use super::types::vkvm_error;
use crate::error::Misuse;
use crate::handle::{self, CLASSES, Class};

/// Counts the live handles of a class, which makes leaks testable.
///
/// - `class_name`: the class as in function names, like "domain"
/// - `count`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_handle_count(
    class_name: *const c_char,
    count: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(handle::count(class(c.str(class_name, "class_name")?)?));
        Ok(())
    })
}

fn class(name: &str) -> Result<Class, Misuse> {
    CLASSES.iter().find(|class| class.name() == name).copied().ok_or_else(|| {
        let names = CLASSES.iter().map(|class| class.name()).collect::<Vec<_>>().join(", ");
        let reason = format!("there is no class \"{name}\"; the classes are {names}");
        Misuse::Invalid { parameter: "class_name", reason }
    })
}
