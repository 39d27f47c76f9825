// SPDX-License-Identifier: LGPL-2.1-or-later
//! The value of a sample.

use crate::value::Value;

/// The value of a sample, in the unit of its family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// A whole number.
    Uint(u64),
    /// One that may be below zero.
    Int(i64),
    /// Any number.
    Double(f64),
}

impl Sample {
    /// Of a number; None of what is none.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Uint(number) => Some(Sample::Uint(*number)),
            Value::Int(number) => u64::try_from(*number)
                .map_or(Some(Sample::Int(*number)), |it| Some(Sample::Uint(it))),
            Value::Double(number) => Some(Sample::Double(*number)),
            _ => None,
        }
    }
}
