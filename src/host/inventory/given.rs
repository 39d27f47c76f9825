// SPDX-License-Identifier: LGPL-2.1-or-later
//! Maps that the program gives, key by key: what is wrong is said of which key.

use super::row::Kind;
use crate::error::{Error, Misuse, Result};
use crate::value::{self, Map, Value};

/// A value of such a map. In Perl a number, or true and false, may be text.
pub struct Given<'v>(value::Given<'v>);

/// Shows each entry of a map to `read`, which says whether there is such a key. A null is as
/// good as none.
pub fn each<'v>(
    parameter: &'static str,
    map: &'v Map,
    keys: &[&str],
    mut read: impl FnMut(&str, Given<'v>) -> Result<()>,
) -> Result<()> {
    for (name, value) in map.iter() {
        if !keys.contains(&name) {
            let hint = format!("; there are {}", quoted(keys));
            return Err(Misuse::NotFound { parameter, path: name.to_owned(), hint }.into());
        }
        if !matches!(value, Value::Null) {
            read(name, Given(value::Given { parameter, name, value }))?;
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
        self.0.wrong(reason)
    }

    /// An integer.
    pub fn integer(&self, least: i64, most: i64) -> Result<u64> {
        let number = match self.0.value {
            Value::String(text) => self.0.within(text.parse().ok(), least, most),
            _ => self.0.integer(least, most),
        };
        Ok(number? as u64)
    }

    /// True or false.
    pub fn truth(&self) -> Result<bool> {
        match self.0.value {
            Value::String(text) if text == "1" => Ok(true),
            Value::String(text) if text.is_empty() || text == "0" => Ok(false),
            _ => self.0.truth(),
        }
    }

    /// Text.
    pub fn text(&self) -> Result<&'v str> {
        text_of(self.0.value).ok_or_else(|| self.0.needs("text"))
    }

    /// A text, or a list of them.
    pub fn texts(&self) -> Result<Vec<&'v str>> {
        match self.0.value {
            Value::List(items) => items
                .iter()
                .map(|item| text_of(item).ok_or_else(|| self.wrong("has an item that is no text")))
                .collect(),
            one => Ok(vec![text_of(one).ok_or_else(|| self.0.needs("text or a list of texts"))?]),
        }
    }

    /// Kinds out of those that there are, in the order of snapshots and each once.
    pub fn kinds(&self, there: &[Kind]) -> Result<Vec<Kind>> {
        let find = |name: &str| {
            let kind = Kind::named(name).filter(|kind| there.contains(kind));
            let known = || there.iter().map(|kind| kind.name()).collect::<Vec<_>>();
            kind.ok_or_else(|| self.unknown(name, &known()))
        };
        let mut kinds = self.texts()?.into_iter().map(find).collect::<Result<Vec<_>>>()?;
        kinds.sort_unstable();
        kinds.dedup();
        Ok(kinds)
    }

    /// The error for a name that there is not.
    pub fn unknown(&self, name: &str, known: &[&str]) -> Error {
        let hint = format!("; the names for \"{}\" are {}", self.0.name, quoted(known));
        Misuse::NotFound { parameter: self.0.parameter, path: name.to_owned(), hint }.into()
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
