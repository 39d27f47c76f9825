// SPDX-License-Identifier: LGPL-2.1-or-later
//! Rust values into [`Value`], and the typed getters back.

use std::borrow::Cow;
use std::ffi::CStr;

use super::{Map, Value};
use crate::error::{Error, Misuse, Result};
use crate::handle::AnyHandle;

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(v: $type) -> Self {
                Value::$variant(v.into())
            }
        }
    )*};
}

from! {
    bool => Bool, i32 => Int, i64 => Int, u32 => Uint, u64 => Uint, f64 => Double,
    &str => String, String => String, Vec<Value> => List, Map => Map, AnyHandle => Handle,
}

impl From<&Error> for Value {
    /// A map with all that an error tells.
    fn from(error: &Error) -> Value {
        let details = error.details();
        let text = |text: Option<&CStr>| text.map(|text| text.to_string_lossy().into_owned());
        let mut map = Map::from_iter([
            ("level", Value::from(details.level)),
            ("code", Value::from(details.code)),
            ("domain", Value::from(details.domain)),
            ("message", Value::from(error.message())),
            ("str1", Value::from(text(details.strings[0].as_deref()))),
            ("str2", Value::from(text(details.strings[1].as_deref()))),
            ("str3", Value::from(text(details.strings[2].as_deref()))),
            ("int1", Value::from(details.ints[0])),
            ("int2", Value::from(details.ints[1])),
            ("function", Value::from(text(details.function.as_deref()))),
            ("parameter", Value::from(text(details.parameter.as_deref()))),
            ("line", Value::from(details.position.map(|(line, _)| line))),
            ("column", Value::from(details.position.map(|(_, column)| column))),
        ]);
        if let Some(hint) = text(details.hint.as_deref()) {
            map.push_new("hint", hint);
        }
        Value::Map(map)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    /// `None` is [`Value::Null`].
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

impl Value {
    /// The integer at `path` ("" is the value itself).
    ///
    /// Accepts any integer that fits, a bool (0 or 1), and text that is a whole
    /// decimal number, since all values from XML are text.
    pub fn get_int64(&self, path: &str) -> Result<i64> {
        let value = self.get(path)?;
        match value {
            Value::Int(v) => Ok(*v),
            Value::Uint(v) => i64::try_from(*v).map_err(|_| {
                invalid(
                    path,
                    value,
                    "which is too large for an int64 (at most 9223372036854775807)",
                )
            }),
            Value::Bool(v) => Ok(i64::from(*v)),
            Value::String(text) if is_decimal(text) => text.parse().map_err(|_| {
                invalid(path, value, "which does not fit an int64 (64 bits with a sign)")
            }),
            Value::String(_) => Err(invalid(path, value, "which is not a decimal integer")),
            _ => Err(wrong_type(path, value, "an integer")),
        }
    }

    /// The integer from 0 up at `path`; accepts what [`Value::get_int64`] does.
    pub fn get_uint64(&self, path: &str) -> Result<u64> {
        let value = self.get(path)?;
        match value {
            Value::Uint(v) => Ok(*v),
            Value::Int(v) => u64::try_from(*v)
                .map_err(|_| invalid(path, value, "which is negative: a uint64 starts at 0")),
            Value::Bool(v) => Ok(u64::from(*v)),
            Value::String(text) if is_decimal(text) => text.parse().map_err(|_| {
                invalid(path, value, "which does not fit a uint64 (0 to 18446744073709551615)")
            }),
            Value::String(_) => Err(invalid(path, value, "which is not a decimal integer")),
            _ => Err(wrong_type(path, value, "an integer")),
        }
    }

    /// The number at `path` as a double.
    ///
    /// Accepts doubles, integers (beyond 2^53 they are rounded) and text that is
    /// a finite decimal number.
    pub fn get_double(&self, path: &str) -> Result<f64> {
        let value = self.get(path)?;
        match value {
            Value::Double(v) => Ok(*v),
            Value::Int(v) => Ok(*v as f64),
            Value::Uint(v) => Ok(*v as f64),
            // Rust also reads "inf" and "nan", which no decimal number is.
            Value::String(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number),
                _ => Err(invalid(path, value, "which is not a decimal number that fits a double")),
            },
            _ => Err(wrong_type(path, value, "a number")),
        }
    }

    /// The bool at `path`.
    ///
    /// Accepts a bool, the integers 0 and 1, and the texts "yes", "no", "true",
    /// "false", "1" and "0". XML's empty element is true.
    pub fn get_bool(&self, path: &str) -> Result<bool> {
        let value = self.get(path)?;
        match value {
            Value::Bool(v) => Ok(*v),
            Value::Int(0) | Value::Uint(0) => Ok(false),
            Value::Int(1) | Value::Uint(1) => Ok(true),
            Value::Int(_) | Value::Uint(_) => {
                Err(invalid(path, value, "which is not a bool: only 0 and 1 are"))
            }
            Value::String(text) => match text.as_str() {
                "yes" | "true" | "1" => Ok(true),
                "no" | "false" | "0" => Ok(false),
                _ => Err(invalid(
                    path,
                    value,
                    "which is not a bool: yes, no, true, false, 1 and 0 are",
                )),
            },
            _ => Err(wrong_type(path, value, "a bool")),
        }
    }

    /// The text at `path`. Only a string is text: numbers are not converted.
    pub fn get_str(&self, path: &str) -> Result<&str> {
        match self.get(path)? {
            Value::String(v) => Ok(v),
            value => Err(wrong_type(path, value, "a string")),
        }
    }

    /// The bytes at `path`; of text, its UTF-8.
    pub fn get_bytes(&self, path: &str) -> Result<&[u8]> {
        match self.get(path)? {
            Value::Bytes(v) => Ok(v),
            Value::String(v) => Ok(v.as_bytes()),
            value => Err(wrong_type(path, value, "bytes")),
        }
    }

    /// The items of the list at `path`.
    pub fn get_list(&self, path: &str) -> Result<&[Value]> {
        match self.get(path)? {
            Value::List(v) => Ok(v),
            value => Err(wrong_type(path, value, "a list")),
        }
    }

    /// The map at `path`.
    pub fn get_map(&self, path: &str) -> Result<&Map> {
        match self.get(path)? {
            Value::Map(v) => Ok(v),
            value => Err(wrong_type(path, value, "a map")),
        }
    }

    /// The handle at `path`.
    pub fn get_handle(&self, path: &str) -> Result<&AnyHandle> {
        match self.get(path)? {
            Value::Handle(v) => Ok(v),
            value => Err(wrong_type(path, value, "a handle")),
        }
    }
}

impl Value {
    /// The number that Perl would read here, where it wants a whole one: text may have
    /// white space around it, a sign, a fraction and an exponent, and what is behind the
    /// point is cut off. None for what is no number.
    ///
    /// What is beyond 64 bits is `i128::MAX` or `i128::MIN`.
    pub(crate) fn whole_number(&self) -> Option<i128> {
        match self {
            Value::Bool(v) => Some(i128::from(*v)),
            Value::Int(v) => Some(i128::from(*v)),
            Value::Uint(v) => Some(i128::from(*v)),
            // `as` takes the nearest that there is.
            Value::Double(v) if !v.is_nan() => Some(*v as i128),
            Value::String(text) => {
                let text = text.trim_ascii();
                let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
                match text.parse() {
                    Ok(number) if is_decimal(digits) => Some(number),
                    _ => self.real_number().map(|number| number as i128),
                }
            }
            _ => None,
        }
    }

    /// The number that Perl would read here; none for what is no number.
    pub(crate) fn real_number(&self) -> Option<f64> {
        match self {
            Value::Bool(v) => Some(f64::from(u8::from(*v))),
            Value::String(text) => {
                let text = text.trim_ascii();
                // Rust also reads "inf" and "nan".
                let is_number = |b: u8| b.is_ascii_digit() || b".eE+-".contains(&b);
                text.parse().ok().filter(|_| text.bytes().all(is_number))
            }
            _ => self.get_double("").ok(),
        }
    }

    /// A scalar as the text that Perl would make of it; none for what is no scalar.
    pub(crate) fn as_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Value::Bool(v) => Cow::Borrowed(if *v { "1" } else { "" }),
            Value::Int(v) => v.to_string().into(),
            Value::Uint(v) => v.to_string().into(),
            Value::Double(v) => digits(*v).into(),
            Value::String(text) => Cow::Borrowed(text),
            _ => return None,
        })
    }

    /// A scalar as messages show it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Value::Bool(v) => v.to_string(),
            Value::Int(v) => v.to_string(),
            Value::Uint(v) => v.to_string(),
            Value::Double(v) => digits(*v),
            Value::String(text) => format!("\"{}\"", shortened(text, 60)),
            _ => self.kind().phrase().to_owned(),
        }
    }
}

/// A double with 15 digits at most, as Perl writes it (C's "%.15g").
fn digits(number: f64) -> String {
    const MOST: i32 = 15;
    if !number.is_finite() {
        return number.to_string();
    }
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let scientific = format!("{number:.*e}", (MOST - 1) as usize);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse().unwrap_or(0) {
        small @ -4..MOST => trimmed(&format!("{number:.*}", (MOST - 1 - small) as usize)),
        large => {
            let sign = if large < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trimmed(mantissa), large.abs())
        }
    }
}

/// Digits with an optional minus sign. Rust itself would also take a plus sign.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A path as messages name it.
pub(super) fn named(path: &str) -> &str {
    if path.is_empty() { "(the value itself)" } else { path }
}

pub(super) fn wrong_type(path: &str, value: &Value, wanted: &'static str) -> crate::error::Error {
    Misuse::WrongType {
        parameter: "path",
        path: named(path).to_owned(),
        actual: value.kind().phrase(),
        wanted,
    }
    .into()
}

/// An error such as `"vcpu" is "two", which is not a decimal integer`.
fn invalid(path: &str, value: &Value, flaw: &str) -> crate::error::Error {
    let what = if path.is_empty() { "the value".to_owned() } else { format!("\"{path}\"") };
    let reason = format!("{what} is {}, {flaw}", value.shown());
    Misuse::Invalid { parameter: "path", reason }.into()
}

/// At most `limit` characters of `text`, with dots in place of the rest.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
