//! Writes a value as a document.

use std::fmt::Write as _;

use super::chars::{find_forbidden, is_name};
use super::{TEXT, too_deep};
use crate::error::{Error, Misuse, Result};
use crate::memory;
use crate::value::{MAX_DEPTH, Map, Value, shortened};

pub(super) fn write(value: &Value) -> Result<String> {
    let root = match value {
        Value::Map(map) if map.len() == 1 => map.get_index(0),
        _ => None,
    };
    let mut writer = Writer { out: String::new(), path: Vec::new() };
    let Some((name, content)) = root else {
        return Err(writer.error("a document is a map of one key, the name of its root element"));
    };
    writer.path.push(Step::Key(name));
    if let Value::List(_) = content {
        return Err(writer.error("a document has one root element, not a list of them"));
    }
    writer.element(name, content, Some(0))?;
    writer.put("\n")?;
    Ok(writer.out)
}

struct Writer<'a> {
    out: String,
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
        if !is_name(name) {
            return Err(self.bad_name(name, "an element"));
        }
        self.put("<")?;
        self.put(name)?;
        match value {
            Value::Null | Value::Bool(_) => self.put("/>")?,
            Value::Map(map) => self.content(name, map, indent)?,
            Value::List(_) => return Err(self.error("XML has no lists in lists")),
            scalar => {
                self.put(">")?;
                self.scalar(scalar, false)?;
                self.close(name)?;
            }
        }
        Ok(())
    }

    /// Writes what follows the name in the tag of an element, up to its end.
    fn content(&mut self, name: &str, map: &'a Map, indent: Option<usize>) -> Result<()> {
        let mut has_children = false;
        for (key, value) in map {
            let Some(attribute) = key.strip_prefix('@') else {
                has_children |=
                    key != TEXT && !matches!(value, Value::List(items) if items.is_empty());
                continue;
            };
            self.path.push(Step::Key(key));
            if !is_name(attribute) {
                return Err(self.bad_name(attribute, "an attribute"));
            }
            self.put(" ")?;
            self.put(attribute)?;
            self.put("=\"")?;
            self.scalar(value, true)?;
            self.put("\"")?;
            self.path.pop();
        }
        let text = map.get(TEXT);
        if text.is_none() && !has_children {
            self.put("/>")?;
            return Ok(());
        }
        self.put(">")?;
        if let Some(value) = text {
            self.path.push(Step::Key(TEXT));
            self.scalar(value, false)?;
            self.path.pop();
        }
        if has_children {
            self.children(map, indent.filter(|_| text.is_none()))?;
        }
        self.close(name)
    }

    fn children(&mut self, map: &'a Map, indent: Option<usize>) -> Result<()> {
        let below = indent.map(|level| level + 1);
        for (key, value) in map {
            if key.starts_with('@') || key == TEXT {
                continue;
            }
            self.path.push(Step::Key(key));
            match value {
                Value::List(items) => {
                    for (i, item) in items.iter().enumerate() {
                        self.path.push(Step::Index(i));
                        self.new_line(below)?;
                        self.element(key, item, below)?;
                        self.path.pop();
                    }
                }
                single => {
                    self.new_line(below)?;
                    self.element(key, single, below)?;
                }
            }
            self.path.pop();
        }
        self.new_line(indent)
    }

    /// Writes the text of an element or the value of an attribute.
    fn scalar(&mut self, value: &Value, attribute: bool) -> Result<()> {
        match value {
            Value::String(text) => match find_forbidden(text) {
                None => self.escape(text, attribute)?,
                Some((_, c)) => {
                    let what = format!("XML does not allow the character U+{:04X}", u32::from(c));
                    return Err(self.error(&what));
                }
            },
            Value::Int(v) => self.put(&v.to_string())?,
            Value::Uint(v) => self.put(&v.to_string())?,
            Value::Double(v) if v.is_finite() => self.put(&v.to_string())?,
            Value::Double(v) => return Err(self.error(&format!("{v} is not a decimal number"))),
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

    fn escape(&mut self, text: &str, attribute: bool) -> Result<()> {
        let mut done = 0;
        for (at, byte) in text.bytes().enumerate() {
            // A reader would take a bare "\r" for "\n", and in an attribute all
            // white space for spaces.
            let escaped = match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'\r' => "&#13;",
                b'"' if attribute => "&quot;",
                b'\n' if attribute => "&#10;",
                b'\t' if attribute => "&#9;",
                _ => continue,
            };
            self.put(&text[done..at])?;
            self.put(escaped)?;
            done = at + 1;
        }
        self.put(&text[done..])
    }

    fn close(&mut self, name: &str) -> Result<()> {
        self.put("</")?;
        self.put(name)?;
        self.put(">")
    }

    fn new_line(&mut self, indent: Option<usize>) -> Result<()> {
        if let Some(level) = indent {
            self.put("\n")?;
            for _ in 0..level {
                self.put("  ")?;
            }
        }
        Ok(())
    }

    fn put(&mut self, piece: &str) -> Result<()> {
        memory::append(&mut self.out, piece, "value")
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
