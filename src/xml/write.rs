// SPDX-License-Identifier: LGPL-2.1-or-later
//! Writes a value as a document.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::chars::{find_forbidden, is_name};
use super::out::{Out, Quotes};
use super::{ORDER, TEXT, too_deep};
use crate::error::{Error, Misuse, Result};
use crate::memory;
use crate::value::{MAX_DEPTH, Map, Value, shortened};

pub(super) fn write(value: &Value) -> Result<String> {
    let root = match value {
        Value::Map(map) if map.len() == 1 => map.get_index(0),
        _ => None,
    };
    let mut writer = Writer { out: Out::new(Quotes::Double, "value"), path: Vec::new() };
    let Some((name, content)) = root else {
        return Err(writer.error("a document is a map of one key, the name of its root element"));
    };
    writer.path.push(Step::Key(name));
    match content {
        Value::List(_) => {
            return Err(writer.error("a document has one root element, not a list of them"));
        }
        Value::Bool(false) => {
            return Err(writer.error("it is false, which makes no element; a document needs one"));
        }
        _ => {}
    }
    writer.element(name, content, Some(0))?;
    writer.out.put("\n")?;
    Ok(writer.out.into_string())
}

/// Whether a key of a map is a child's name.
fn is_child(key: &str) -> bool {
    !key.starts_with('@') && key != TEXT && key != ORDER
}

/// Whether a value makes an element: false does not, nor does a list without others.
fn makes_element(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().any(|item| *item != Value::Bool(false)),
        value => *value != Value::Bool(false),
    }
}

struct Writer<'a> {
    out: Out,
    /// Where the value at hand stands, for error messages.
    path: Vec<Step<'a>>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Writer<'a> {
    /// Writes one element. `indent` is its level, or `None` where white space
    /// would become part of a text.
    fn element(&mut self, name: &str, value: &'a Value, indent: Option<usize>) -> Result<()> {
        if self.path.len() > MAX_DEPTH {
            return Err(self.error(&too_deep()));
        }
        if let Some(target) = name.strip_prefix('?').filter(|_| self.path.len() > 1) {
            return self.instruction(target, value);
        }
        if !is_name(name) {
            return Err(self.bad_name(name, "an element"));
        }
        self.out.tag(name)?;
        match value {
            Value::Null | Value::Bool(_) => self.out.put("/>")?,
            Value::Map(map) => self.content(name, map, indent)?,
            Value::List(_) => return Err(self.error("XML has no lists in lists")),
            scalar => {
                self.out.put(">")?;
                self.scalar(scalar, false)?;
                self.out.close(name)?;
            }
        }
        Ok(())
    }

    /// Writes a processing instruction.
    fn instruction(&mut self, target: &str, value: &Value) -> Result<()> {
        if !is_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(self.bad_name(target, "a processing instruction"));
        }
        self.out.put("<?")?;
        self.out.put(target)?;
        if !matches!(value, Value::Null | Value::Bool(_)) {
            let before = self.out.as_str().len();
            self.out.put(" ")?;
            self.raw(value)?;
            if self.out.as_str()[before..].contains("?>") {
                return Err(self.error("\"?>\" would end the processing instruction"));
            }
            if self.out.as_str()[before..].contains('\r') {
                return Err(self.error("a processing instruction cannot have a carriage return"));
            }
        }
        self.out.put("?>")
    }

    /// Writes what follows the name in the tag of an element, up to its end.
    fn content(&mut self, name: &str, map: &'a Map, indent: Option<usize>) -> Result<()> {
        let mut has_children = false;
        for (key, value) in map {
            let Some(attribute) = key.strip_prefix('@') else {
                has_children |= is_child(key) && makes_element(value);
                continue;
            };
            self.path.push(Step::Key(key));
            if !is_name(attribute) {
                return Err(self.bad_name(attribute, "an attribute"));
            }
            self.out.attribute(attribute)?;
            self.scalar(value, true)?;
            self.out.quote()?;
            self.path.pop();
        }
        let text = map.get(TEXT);
        if text.is_none() && !has_children {
            self.out.put("/>")?;
            return Ok(());
        }
        self.out.put(">")?;
        let indent = indent.filter(|_| text.is_none());
        let below = indent.map(|level| level + 1);
        let order = map.get(ORDER);
        let text_has_place =
            matches!(order, Some(Value::List(order)) if order.contains(&TEXT.into()));
        if let Some(value) = text.filter(|_| !text_has_place) {
            self.rest(TEXT, value, below, 0)?;
        }
        let mut written = HashMap::new();
        if let Some(order) = order {
            self.in_order(map, order, below, &mut written)?;
        }
        for (key, value) in map.iter().filter(|(key, _)| is_child(key)) {
            self.rest(key, value, below, written.get(key).copied().unwrap_or(0))?;
        }
        if let Some(value) = text.filter(|_| text_has_place) {
            self.rest(TEXT, value, below, written.get(TEXT).copied().unwrap_or(0))?;
        }
        if has_children {
            self.new_line(indent)?;
        }
        self.out.close(name)
    }

    /// Writes the children, and pieces of text, that `order` names, as often as it names
    /// them and they are there. `written` gets how many of which they were.
    fn in_order(
        &mut self,
        map: &'a Map,
        order: &'a Value,
        indent: Option<usize>,
        written: &mut HashMap<&'a str, usize>,
    ) -> Result<()> {
        self.path.push(Step::Key(ORDER));
        let Value::List(order) = order else {
            let kind = order.kind().phrase();
            return Err(self.error(&format!("it is {kind}, not a list of names of children")));
        };
        self.path.pop();
        for (i, name) in order.iter().enumerate() {
            let Value::String(name) = name else {
                self.path.extend([Step::Key(ORDER), Step::Index(i)]);
                let kind = name.kind().phrase();
                return Err(self.error(&format!("it is {kind}, not the name of a child")));
            };
            let Some(value) = map.get(name).filter(|_| is_child(name) || name == TEXT) else {
                continue; // It has been removed since.
            };
            let reserved = written.try_reserve(1);
            reserved.map_err(|_| memory::none("value", written.len() * size_of::<&str>()))?;
            let next = written.entry(name).or_insert(0);
            let at = *next;
            *next += 1;
            self.item(name, value, indent, at)?;
        }
        Ok(())
    }

    /// Writes what a key of a map holds from item `from` on; a value that is no list is an
    /// item, too.
    fn rest(
        &mut self,
        key: &'a str,
        value: &'a Value,
        indent: Option<usize>,
        from: usize,
    ) -> Result<()> {
        let count = if let Value::List(items) = value { items.len() } else { 1 };
        (from..count).try_for_each(|at| self.item(key, value, indent, at))
    }

    /// Writes one item of a key, unless there are not as many.
    fn item(
        &mut self,
        key: &'a str,
        value: &'a Value,
        indent: Option<usize>,
        at: usize,
    ) -> Result<()> {
        let (item, step) = match value {
            Value::List(items) => (items.get(at), Some(Step::Index(at))),
            single => (Some(single).filter(|_| at == 0), None),
        };
        let Some(item) = item.filter(|item| **item != Value::Bool(false) || key == TEXT) else {
            return Ok(());
        };
        let depth = self.path.len();
        self.path.push(Step::Key(key));
        self.path.extend(step);
        if key == TEXT {
            self.scalar(item, false)?;
        } else {
            self.new_line(indent)?;
            self.element(key, item, indent)?;
        }
        self.path.truncate(depth);
        Ok(())
    }

    /// Writes the text of an element or the value of an attribute.
    fn scalar(&mut self, value: &Value, attribute: bool) -> Result<()> {
        match value {
            Value::String(text) => {
                self.check_characters(text)?;
                if attribute { self.out.value(text) } else { self.out.text(text) }
            }
            other => self.raw(other),
        }
    }

    /// Writes text or a number as it is.
    fn raw(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::String(text) => {
                self.check_characters(text)?;
                self.out.put(text)?;
            }
            Value::Int(v) => self.out.put(&v.to_string())?,
            Value::Uint(v) => self.out.put(&v.to_string())?,
            Value::Double(v) if v.is_finite() => self.out.put(&v.to_string())?,
            Value::Double(v) => return Err(self.error(&format!("{v} is not a decimal number"))),
            Value::Bool(_) => {
                return Err(self.error(
                    "it is a boolean, for which documents have different words: \
                     write the text that is meant, such as \"yes\" or \"on\"",
                ));
            }
            other => {
                let what = format!(
                    "it is {}, but XML needs a string or a number here",
                    other.kind().phrase()
                );
                return Err(self.error(&what));
            }
        }
        Ok(())
    }

    fn check_characters(&self, text: &str) -> Result<()> {
        match find_forbidden(text) {
            None => Ok(()),
            Some((_, c)) => {
                let what = format!("XML does not allow the character U+{:04X}", u32::from(c));
                Err(self.error(&what))
            }
        }
    }

    fn new_line(&mut self, indent: Option<usize>) -> Result<()> {
        if let Some(level) = indent {
            self.out.put("\n")?;
            self.out.indent(level)?;
        }
        Ok(())
    }

    fn bad_name(&self, name: &str, what: &str) -> Error {
        self.error(&format!("\"{}\" cannot be the name of {what} in XML", shortened(name, 40)))
    }

    fn error(&self, reason: &str) -> Error {
        let mut path = String::new();
        for step in &self.path {
            let dot = if path.is_empty() { "" } else { "." };
            let _ = match step {
                Step::Key(key) => write!(path, "{dot}{}", shortened(key, 40)),
                Step::Index(index) => write!(path, "{dot}{index}"),
            };
        }
        let reason =
            if path.is_empty() { reason.to_owned() } else { format!("\"{path}\": {reason}") };
        Misuse::Invalid { parameter: "value", reason }.into()
    }
}
