// SPDX-License-Identifier: LGPL-2.1-or-later
//! The arguments of a call that is made later: the caller may free its own at once.

use std::os::fd::{AsRawFd, OwnedFd};

use zeroize::{Zeroize, Zeroizing};

use crate::calls::CONNECTION_FREED;
use crate::capi::caller::{Caller, reading};
use crate::capi::invoke::{Param, Row};
use crate::capi::types::SharedValue;
use crate::constants::ERROR_OWN_STALE_HANDLE;
use crate::error::{Error, Misuse, Result};
use crate::handle::{self, AnyHandle, Class};
use crate::value::{Map, Value};

/// Arguments with all that they need to last.
pub struct Kept {
    pub args: Map,
    /// Copies of the caller's file descriptors, whose numbers are in `args`.
    _fds: Vec<OwnedFd>,
}

impl Kept {
    /// Takes over a copy of the caller's arguments.
    pub fn new(c: &Caller, row: &Row, mut args: Zeroizing<Map>) -> Result<Self> {
        let mut kept = Kept { args: std::mem::take(&mut args), _fds: Vec::new() };
        // At once, for dropping it gives up no hold on them.
        kept.let_go_of_connections();
        row.refuse_others(&kept.args)?;
        row.refuse_too_few(&kept.args)?;
        for param in row.params.iter().filter(|param| param.is_given()) {
            if let Some(value) = kept.args.get_mut(param.name) {
                if param.descriptor {
                    duplicate(c, param, value, &mut kept._fds)?;
                }
                copy_out(param, value)?;
            }
        }
        Ok(kept)
    }

    /// The error of a call whose connection was freed before it began, and which therefore
    /// blames the handle: it is that of all calls that are given up then.
    pub fn explain(&self, row: &Row, error: Error) -> Error {
        let is_gone = connections(&self.args).any(|conn| AnyHandle::class(conn.id()).is_none());
        match error.details().code {
            ERROR_OWN_STALE_HANDLE if is_gone => {
                Misuse::GivenUp { function: row.name, why: CONNECTION_FREED }.into()
            }
            _ => error,
        }
    }

    /// A connection is known by its handle, without a hold on it: who frees it with calls
    /// in flight means these, too.
    fn let_go_of_connections(&self) {
        for handle in connections(&self.args) {
            drop(AnyHandle::from_id(handle.id()));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for index in 0..self.args.len() {
            let Some(value) = self.args.get_index_mut(index) else { continue };
            if !is_connection(value) {
                continue;
            }
            if let Value::Handle(handle) = std::mem::replace(value, Value::Null) {
                // There is no hold to give up.
                handle.into_id();
            }
        }
        // There may be secrets among them.
        self.args.zeroize();
    }
}

fn is_connection(value: &Value) -> bool {
    matches!(value, Value::Handle(handle) if handle.class_name() == Class::Conn.name())
}

fn connections(args: &Map) -> impl Iterator<Item = &AnyHandle> {
    args.iter().filter_map(|(_, value)| match value {
        Value::Handle(handle) if is_connection(value) => Some(handle),
        _ => None,
    })
}

/// What a value handle stands for, which the caller may change in the meantime.
fn copy_out(param: &Param, value: &mut Value) -> Result<()> {
    let Value::Handle(handle) = value else {
        return Ok(());
    };
    if handle.class_name() != Class::Value.name() {
        return Ok(());
    }
    let content = handle::get::<SharedValue>(handle.id(), param.name)?;
    let copy = reading(&content).try_clone(param.name)?;
    drop(content);
    *value = copy;
    Ok(())
}

/// File descriptors of our own in place of the caller's.
fn duplicate(c: &Caller, param: &Param, value: &mut Value, fds: &mut Vec<OwnedFd>) -> Result<()> {
    let mut own = |fd: i64| -> Result<Value> {
        let Some(fd) = i32::try_from(fd).ok().filter(|fd| *fd >= 0) else {
            // It never is one, which the function says.
            return Ok(Value::Int(fd));
        };
        let fd = OwnedFd::from(c.file(fd, param.name)?);
        let number = fd.as_raw_fd();
        fds.push(fd);
        Ok(Value::from(number))
    };
    match value {
        Value::Int(fd) => *value = own(*fd)?,
        Value::List(items) => {
            for item in items {
                if let Value::Int(fd) = item {
                    *item = own(*fd)?;
                }
            }
        }
        // Refused when the call is made.
        _ => {}
    }
    Ok(())
}
