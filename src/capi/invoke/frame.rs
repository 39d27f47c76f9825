// SPDX-License-Identifier: LGPL-2.1-or-later
//! A call by name while it is made: what it takes, and what it gives.

use std::any::Any;
use std::ffi::c_int;
use std::ptr;

use zeroize::Zeroize;

use super::output::Output;
use super::{Param, Role, Row};
use crate::capi::caller::writing;
use crate::capi::types::{SharedValue, vkvm_error};
use crate::error::{Error, Result};
use crate::handle::{self, AnyHandle};
use crate::value::{Map, Value};

/// Holds what C's arguments point to until the call is over.
pub struct Frame<'a> {
    row: &'static Row,
    args: &'a Map,
    /// How many of C's parameters are loaded.
    loaded: usize,
    /// The length of the array or room that was loaded last.
    pub length: usize,
    /// What they point to.
    kept: Vec<Box<dyn Any>>,
    outputs: Vec<(&'static Param, *mut dyn Output)>,
}

/// A value that was made for the call.
pub struct Made(pub AnyHandle);

impl Drop for Made {
    /// There may be secrets in it.
    fn drop(&mut self) {
        let Ok(value) = handle::get::<SharedValue>(self.0.id(), "value") else { return };
        if let Ok(mut value) = writing(&value) {
            value.zeroize();
        }
    }
}

impl<'a> Frame<'a> {
    /// For one call; refuses arguments that the function does not have.
    pub fn new(row: &'static Row, args: &'a Map) -> Result<Self> {
        row.refuse_others(args)?;
        let outputs = Vec::with_capacity(row.params.len());
        Ok(Frame { row, args, loaded: 0, length: 0, kept: Vec::new(), outputs })
    }

    /// The next of C's parameters.
    pub fn next(&mut self) -> &'static Param {
        let param = &self.row.params[self.loaded];
        self.loaded += 1;
        param
    }

    /// Whether the next of C's parameters is an output with a length.
    pub fn next_has_length(&self) -> bool {
        let behind = self.row.params.get(self.loaded + 1);
        behind.is_some_and(|param| param.role == Role::OutLength)
    }

    /// The length that is given for the room that [`next`](Self::next) gave last.
    pub fn room_length(&self) -> Result<(&'static Param, &'a Value)> {
        let param = &self.row.params[self.loaded];
        let length = self.argument(param)?.ok_or_else(|| self.row.missing(param))?;
        Ok((param, length))
    }

    /// The argument for a parameter; None when it is left out, and may be.
    pub fn argument(&self, param: &Param) -> Result<Option<&'a Value>> {
        match self.args.get(param.name) {
            Some(Value::Null) | None if param.nullable || param.default.is_some() => Ok(None),
            Some(value) => Ok(Some(value)),
            None => Err(self.row.missing(param)),
        }
    }

    /// Keeps what an argument points to.
    pub fn keep(&mut self, kept: impl Any) {
        self.kept.push(Box::new(kept));
    }

    /// Makes a place for an output, where it stays until the frame ends.
    pub fn output<O: Output + 'static>(&mut self, param: &'static Param, output: O) -> *mut O {
        let place = Box::into_raw(Box::new(output));
        self.outputs.push((param, place));
        place
    }

    /// Where the length of the output goes that was made last.
    pub fn output_length(&mut self) -> *mut usize {
        match self.outputs.last() {
            // SAFETY: it was made by `output`, and nothing else uses it now.
            Some((_, place)) => unsafe { (**place).length() },
            None => ptr::null_mut(),
        }
    }

    /// What the call has returned.
    pub fn ended(&mut self, status: c_int, error: *mut vkvm_error) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        let id = error as usize;
        let failure = handle::get::<Error>(id, "error").map(|error| error.clone());
        handle::release::<Error>(id);
        Err(failure.unwrap_or_else(|error| error))
    }

    /// The outputs: null, the only one, or a map of them.
    pub fn result(mut self) -> Result<Value> {
        let mut outputs = std::mem::take(&mut self.outputs);
        if let [(_, place)] = outputs[..] {
            outputs.clear();
            // SAFETY: it was made by `output`, and is in no list any more.
            return unsafe { Box::from_raw(place) }.take();
        }
        let mut values = Vec::with_capacity(outputs.len());
        let mut failure = None;
        for (param, place) in outputs {
            // SAFETY: likewise.
            let mut output = unsafe { Box::from_raw(place) };
            match output.take() {
                Ok(value) => values.push((param, value)),
                Err(error) => failure = Some(error),
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        cut_room(&mut values);
        Ok(match values.len() {
            0 => Value::Null,
            1 => values.remove(0).1,
            _ => Value::Map(values.into_iter().map(|(param, value)| (param.name, value)).collect()),
        })
    }
}

/// The room of the caller's has as many bytes as the last output tells, or none.
fn cut_room(values: &mut [(&'static Param, Value)]) {
    let is_room = |(param, _): &(&Param, Value)| param.role == Role::Room;
    let Some((room, rest)) = values.iter().position(is_room).map(|at| values.split_at_mut(at + 1))
    else {
        return;
    };
    let count = rest.last().and_then(|(_, last)| last.get_uint64("").ok()).unwrap_or(0);
    if let Some((_, Value::Bytes(bytes))) = room.last_mut() {
        bytes.truncate(count as usize);
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        for (_, place) in self.outputs.drain(..) {
            // SAFETY: as in `result`.
            drop(unsafe { Box::from_raw(place) });
        }
    }
}
