// SPDX-License-Identifier: LGPL-2.1-or-later
//! A function by its name, with its arguments in a map.
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

use self::frame::Frame;
use crate::error::{Error, Misuse, Result};
use crate::value::{Map, Value};

/// A function that can be called by its name.
pub(super) struct Row {
    /// As in C.
    pub(super) name: &'static str,
    /// Its parameters in C's order, but for the error.
    pub(super) params: &'static [Param],
    /// Whether it may wait for a daemon.
    pub(super) blocks: bool,
    /// Whether it acts on the thread that calls it.
    pub(super) this_thread: bool,
    /// The operation of the job of its domain (`DOMAIN_JOB_OPERATION_*`), if it runs one.
    pub(super) job: Option<u32>,
    /// Whether its result may hold secrets.
    pub(super) secret: bool,
    /// Loads the arguments, calls it, and keeps what it gives in the frame.
    call: fn(&mut Frame) -> Result<()>,
}

/// A parameter in C.
pub(super) struct Param {
    /// As in C.
    pub(super) name: &'static str,
    role: Role,
    /// Whether NULL is allowed.
    nullable: bool,
    /// What is passed when it is left out.
    default: Option<i64>,
    /// Whether it is an open file descriptor, or several.
    pub(super) descriptor: bool,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
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
        Param { name, role, nullable: false, default: None, descriptor: false }
    }

    const fn or_null(name: &'static str) -> Self {
        Param { nullable: true, ..Param::new(name, Role::In) }
    }

    const fn descriptor(name: &'static str) -> Self {
        Param { descriptor: true, ..Param::new(name, Role::In) }
    }

    const fn or_null_too(self) -> Self {
        Param { nullable: true, ..self }
    }

    const fn or(name: &'static str, default: i64) -> Self {
        Param { default: Some(default), ..Param::new(name, Role::In) }
    }

    /// Whether there is an argument of this name.
    pub(super) fn is_given(&self) -> bool {
        matches!(self.role, Role::In | Role::RoomLength)
    }
}

impl Row {
    /// Refuses arguments that the function does not have.
    pub(super) fn refuse_others(&self, args: &Map) -> Result<()> {
        let names = || self.params.iter().filter(|param| param.is_given()).map(|param| param.name);
        let Some((key, _)) = args.iter().find(|(key, _)| !names().any(|name| name == *key)) else {
            return Ok(());
        };
        let names = names().collect::<Vec<_>>().join(", ");
        let hint = match names.as_str() {
            "" => format!(": {} has no parameters", self.name),
            names => format!("; the parameters of {} are {names}", self.name),
        };
        Err(Misuse::NotFound { parameter: "args", path: key.into(), hint }.into())
    }

    /// Refuses to do without an argument that the function needs.
    pub(super) fn refuse_too_few(&self, args: &Map) -> Result<()> {
        let missing = self.params.iter().find(|param| {
            let is_needed = !param.nullable && param.default.is_none();
            param.is_given() && is_needed && args.get(param.name).is_none()
        });
        missing.map_or(Ok(()), |param| Err(self.missing(param)))
    }

    fn missing(&self, param: &Param) -> Error {
        let reason = format!("is missing; {} needs it", self.name);
        Misuse::Invalid { parameter: param.name, reason }.into()
    }
}

/// Calls a function with its arguments.
pub(super) fn invoke(row: &'static Row, args: &Map) -> Result<Value> {
    let mut frame = Frame::new(row, args)?;
    (row.call)(&mut frame)?;
    frame.result()
}

/// The row of a function.
pub(super) fn find(name: &str) -> Result<&'static Row> {
    let found = table::ROWS.binary_search_by(|row| row.name.cmp(name));
    found.map(|index| &table::ROWS[index]).map_err(|_| {
        let reason = format!("\"{name}\" is no function that can be called by its name");
        Misuse::Invalid { parameter: "function", reason }.into()
    })
}
