//! `vkvm_invoke`: a function by its name, with its arguments in a map.
//!
//! A generated row for each function (`table.rs`) says what its parameters are called
//! and has its pointer. How an argument is loaded from a value and an output is unloaded
//! into one follows from the C type alone ([`argument`]), so that no conversion is
//! written or generated per function.

mod argument;
mod frame;
mod output;
#[rustfmt::skip]
mod table;

use std::ffi::{c_char, c_int};

use zeroize::Zeroize;

use self::frame::Frame;
use super::guard::status;
use super::types::{vkvm_error, vkvm_value};
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

/// A function that can be called by its name.
struct Row {
    /// As in C.
    name: &'static str,
    /// Its parameters in C's order, but for the error.
    params: &'static [Param],
    /// Loads the arguments, calls it, and keeps what it gives in the frame.
    call: fn(&mut Frame) -> Result<()>,
}

/// A parameter in C.
struct Param {
    /// As in C.
    name: &'static str,
    role: Role,
    /// Whether NULL is allowed.
    nullable: bool,
    /// What is passed when it is left out.
    default: Option<i64>,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// It is given by its name, the object included.
    In,
    /// It is given by its name: the length of the room in front of it.
    RoomLength,
    /// Room of the caller's that is written to.
    Room,
    /// The length of the array in front of it.
    Length,
    /// It is part of the result.
    Out,
    /// The length of the output in front of it.
    OutLength,
    /// A callback, its userdata or its destroy notify: none is given.
    Callback,
}

impl Param {
    const fn new(name: &'static str, role: Role) -> Self {
        Param { name, role, nullable: false, default: None }
    }

    const fn or_null(name: &'static str) -> Self {
        Param { nullable: true, ..Param::new(name, Role::In) }
    }

    const fn or(name: &'static str, default: i64) -> Self {
        Param { default: Some(default), ..Param::new(name, Role::In) }
    }

    /// Whether there is an argument of this name.
    fn is_given(&self) -> bool {
        matches!(self.role, Role::In | Role::RoomLength)
    }
}

/// Calls a function by its name.
///
/// Every function has a name here that returns 0 or -1, but for those of values
/// (`vkvm_value_*`), those that need a callback, and those that visit a value.
/// Callbacks that may be NULL are.
///
/// - `function`: its name, like "vkvm_domain_get_info"
/// - `args` (nullable, map): a map of its arguments by the names of its parameters, the object
///   included: handles, values, texts, numbers, bools, lists of them, and bytes. Lengths are not
///   given: lists and bytes have theirs, but for the room of `vkvm_stream_recv` (`data_len`).
///   What is left out, or null, takes its default, or NULL where that is allowed. A name that
///   the function does not have is an error that lists those it has.
/// - `result`: null for a function without results, the result itself where there is one,
///   a map of them by their names where there are several. It owns its handles
///
/// cbindgen:class=call
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_invoke(
    function: *const c_char,
    args: *mut vkvm_value,
    result: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(result, "result")?;
        let function = c.str(function, "function")?;
        let mut args = c.map_nullable(args, "args")?.unwrap_or_default();
        // There may be secrets among them.
        let result = find(function).and_then(|row| invoke(row, &args));
        args.zeroize();
        out.set_value(result?)
    })
}

/// Calls a function with its arguments.
fn invoke(row: &'static Row, args: &Map) -> Result<Value> {
    let mut frame = Frame::new(row, args)?;
    (row.call)(&mut frame)?;
    frame.result()
}

/// The row of a function.
fn find(name: &str) -> Result<&'static Row> {
    let found = table::ROWS.binary_search_by(|row| row.name.cmp(name));
    found.map(|index| &table::ROWS[index]).map_err(|_| {
        let reason = format!("\"{name}\" is no function that can be called by its name");
        Misuse::Invalid { parameter: "function", reason }.into()
    })
}
