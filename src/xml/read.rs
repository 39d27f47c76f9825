//! Builds a value from the parts of a document.

use std::borrow::Cow;

use super::scan::{Flaw, Sink};
use super::too_deep;
use crate::value::{MAX_DEPTH, Map, Value};

/// Builds the value of a document while it is scanned.
pub(super) struct Builder<'a> {
    /// The maps of the open elements; below them that of the document.
    open: Vec<Map>,
    /// The text of the innermost open element, as long as it is wanted.
    text: Cow<'a, str>,
    /// Whether text is wanted: up to the first child of an element.
    wants_text: bool,
    deepest: usize,
    deepest_offset: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new() -> Self {
        Builder {
            open: vec![Map::new()],
            text: Cow::Borrowed(""),
            wants_text: false,
            deepest: 0,
            deepest_offset: 0,
        }
    }

    /// The value of the whole document.
    pub(super) fn finish(mut self) -> Result<Value, Flaw> {
        let value = Value::Map(self.open.pop().unwrap_or_default());
        // An element is a map and perhaps an item of a list. So only a document
        // with half as many levels of elements can have too many in its value.
        if 2 * self.deepest >= MAX_DEPTH && value.depth() > MAX_DEPTH {
            return Err(Flaw {
                offset: self.deepest_offset,
                reason: too_deep(),
            });
        }
        Ok(value)
    }

    /// The text that has come together, stripped. Leading space never gets in.
    fn take_text(&mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        let mut text = std::mem::replace(&mut self.text, Cow::Borrowed("")).into_owned();
        text.truncate(text.trim_ascii_end().len());
        Some(text)
    }
}

impl<'a> Sink<'a> for Builder<'a> {
    fn start(&mut self, _name: &'a str, offset: usize) -> Result<(), Flaw> {
        // What stands before the first child is the text of the parent; it goes
        // in now, so that the order is attributes, text, children.
        if self.wants_text
            && let Some(text) = self.take_text()
            && let Some(parent) = self.open.last_mut()
        {
            parent.push_new("#text", text);
        }
        let depth = self.open.len();
        if depth > MAX_DEPTH {
            return Err(Flaw {
                offset,
                reason: too_deep(),
            });
        }
        if depth > self.deepest {
            (self.deepest, self.deepest_offset) = (depth, offset);
        }
        self.open.push(Map::new());
        self.wants_text = true;
        Ok(())
    }

    fn attribute(&mut self, name: &'a str, value: Cow<'a, str>) {
        if let Some(element) = self.open.last_mut() {
            let mut key = String::with_capacity(name.len() + 1);
            key.push('@');
            key.push_str(name);
            element.push_new(key, value.into_owned());
        }
    }

    fn text(&mut self, text: &'a str) {
        if !self.wants_text {
            return;
        }
        if self.text.is_empty() {
            self.text = Cow::Borrowed(text.trim_ascii_start());
        } else {
            self.text.to_mut().push_str(text);
        }
    }

    fn character(&mut self, c: char) {
        if self.wants_text && !(self.text.is_empty() && matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.text.to_mut().push(c);
        }
    }

    fn end(&mut self, name: &'a str) {
        let text = if self.wants_text {
            self.take_text()
        } else {
            None
        };
        self.wants_text = false;
        let mut element = self.open.pop().unwrap_or_default();
        let value = match text {
            None if element.is_empty() => Value::Bool(true),
            Some(text) if element.is_empty() => Value::String(text),
            Some(text) => {
                element.push_new("#text", text);
                Value::Map(element)
            }
            None => Value::Map(element),
        };
        let Some(parent) = self.open.last_mut() else {
            return;
        };
        match parent.get_mut(name) {
            None => parent.push_new(name.to_owned(), value),
            // The value of one element is never a list, so this one holds siblings.
            Some(Value::List(siblings)) => siblings.push(value),
            Some(first) => {
                let siblings = vec![std::mem::replace(first, Value::Null), value];
                *first = Value::List(siblings);
            }
        }
    }
}
