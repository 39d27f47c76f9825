// SPDX-License-Identifier: LGPL-2.1-or-later
//! Maps that the program gives, key by key: what is wrong is said of which key.

use crate::error::{Error, Misuse, Result};
use crate::value::{Map, Value};

/// A value of such a map.
pub struct Given<'v> {
    parameter: &'static str,
    key: &'v str,
    value: &'v Value,
}

/// Shows each entry of a map to `read`, which says whether there is such a key. A null is as
/// good as none.
pub fn each<'v>(
    parameter: &'static str,
    map: &'v Map,
    keys: &[&str],
    mut read: impl FnMut(&str, Given<'v>) -> Result<()>,
) -> Result<()> {
    for (key, value) in map.iter() {
        if !keys.contains(&key) {
            let hint = format!("; there are {}", quoted(keys));
            return Err(Misuse::NotFound { parameter, path: key.to_owned(), hint }.into());
        }
        if !matches!(value, Value::Null) {
            read(key, Given { parameter, key, value })?;
        }
    }
    Ok(())
}

/// Names for a message.
pub fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

impl<'v> Given<'v> {
    /// What is wrong with it.
    pub fn wrong(&self, reason: &str) -> Error {
        let reason = format!("\"{}\" {reason}", self.key);
        Misuse::Invalid { parameter: self.parameter, reason }.into()
    }

    fn needs(&self, wanted: &str) -> Error {
        self.wrong(&format!("is {}; {wanted} is needed", self.value.kind().phrase()))
    }

    /// An integer. In Perl a number may be text.
    pub fn integer(&self, least: u64, most: u64) -> Result<u64> {
        let number = match self.value {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Uint(number) => Some(i128::from(*number)),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.needs("an integer"))?;
        if (i128::from(least)..=i128::from(most)).contains(&number) {
            return Ok(number as u64);
        }
        Err(self.wrong(&format!("is {number}; an integer from {least} to {most} is needed")))
    }

    /// True or false.
    pub fn truth(&self) -> Result<bool> {
        match self.value {
            Value::Bool(truth) => Ok(*truth),
            Value::Int(number) => Ok(*number != 0),
            Value::Uint(number) => Ok(*number != 0),
            Value::String(text) if text == "1" => Ok(true),
            Value::String(text) if text.is_empty() || text == "0" => Ok(false),
            _ => Err(self.needs("a bool")),
        }
    }

    /// Text.
    pub fn text(&self) -> Result<&'v str> {
        text_of(self.value).ok_or_else(|| self.needs("text"))
    }

    /// A text, or a list of them.
    pub fn texts(&self) -> Result<Vec<&'v str>> {
        match self.value {
            Value::List(items) => items
                .iter()
                .map(|item| text_of(item).ok_or_else(|| self.wrong("has an item that is no text")))
                .collect(),
            one => Ok(vec![text_of(one).ok_or_else(|| self.needs("text or a list of texts"))?]),
        }
    }

    /// The error for a name that there is not.
    pub fn unknown(&self, name: &str, known: &[&str]) -> Error {
        let hint = format!("; the names for \"{}\" are {}", self.key, quoted(known));
        Misuse::NotFound { parameter: self.parameter, path: name.to_owned(), hint }.into()
    }
}

/// Bytes may be text as well.
fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}
