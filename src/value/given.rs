// SPDX-License-Identifier: LGPL-2.1-or-later
//! A value that a program gives by its name, such as an option: what is wrong is said of the name.

use super::Value;
use crate::error::{Error, Misuse, Result};

/// A value by its name in a parameter that is a map.
#[derive(Clone, Copy)]
pub struct Given<'v> {
    /// The parameter.
    pub parameter: &'static str,
    /// The name.
    pub name: &'v str,
    /// The value.
    pub value: &'v Value,
}

impl Given<'_> {
    /// What is wrong with it.
    pub fn wrong(&self, reason: &str) -> Error {
        let reason = format!("\"{}\" {reason}", self.name);
        Misuse::Invalid { parameter: self.parameter, reason }.into()
    }

    /// It is of another type.
    pub fn needs(&self, wanted: &str) -> Error {
        self.wrong(&format!("is {}; {wanted} is needed", self.value.kind().phrase()))
    }

    /// An integer.
    pub fn integer(&self, least: i64, most: i64) -> Result<i64> {
        let number = match self.value {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Uint(number) => Some(i128::from(*number)),
            _ => None,
        };
        self.within(number, least, most)
    }

    /// The integer that was read of it, within bounds.
    pub fn within(&self, number: Option<i128>, least: i64, most: i64) -> Result<i64> {
        let number = number.ok_or_else(|| self.needs("an integer"))?;
        if (i128::from(least)..=i128::from(most)).contains(&number) {
            return Ok(number as i64);
        }
        Err(self.wrong(&format!("is {number}; an integer from {least} to {most} is needed")))
    }

    /// True or false.
    pub fn truth(&self) -> Result<bool> {
        match self.value {
            Value::Bool(truth) => Ok(*truth),
            Value::Int(number) => Ok(*number != 0),
            Value::Uint(number) => Ok(*number != 0),
            _ => Err(self.needs("a bool")),
        }
    }
}
