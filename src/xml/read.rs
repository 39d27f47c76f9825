//! Builds a value from the parts of a document.

use super::parts::{Flaw, Part};
use super::too_deep;
use crate::value::{Key, MAX_DEPTH, Map, Value};

/// Builds the value of a document part by part.
pub(super) struct Builder {
    /// The document, and in it the open elements.
    open: Vec<Element>,
    /// How many elements were open at most, and where the innermost of them stands.
    deepest: (usize, usize),
}

#[derive(Default)]
struct Element {
    /// Its attributes and children, and its text before the first child.
    content: Map,
    /// The text that has come together so far.
    text: String,
    has_children: bool,
}

impl Builder {
    pub(super) fn new() -> Self {
        Builder { open: vec![Element::default()], deepest: (0, 0) }
    }

    pub(super) fn add(&mut self, part: Part, offset: usize) -> Result<(), Flaw> {
        let depth = self.open.len();
        let Some(element) = self.open.last_mut() else {
            return Ok(());
        };
        match part {
            Part::Start => {
                // What stands before the first child is the text of the parent; it goes
                // in now, so that the order is attributes, text, children.
                element.keep_text();
                element.has_children = true;
                if depth > self.deepest.0 {
                    self.deepest = (depth, offset);
                }
                if depth > MAX_DEPTH {
                    return Err(self.too_deep());
                }
                self.open.push(Element::default());
            }
            Part::Attribute(name, value) => {
                element.content.push_new(["@", name].concat(), value.into_owned());
            }
            Part::Text(_) if element.has_children => {}
            // Most texts are the line end and indentation before a tag.
            Part::Text(text) if element.text.is_empty() => {
                element.text.push_str(text.trim_ascii_start());
            }
            Part::Text(text) => element.text.push_str(&text),
            Part::End(name) => {
                let value = self.open.pop().map_or(Value::Null, Element::into_value);
                if let Some(parent) = self.open.last_mut() {
                    parent.add_child(name, value);
                }
            }
        }
        Ok(())
    }

    /// The value of the whole document.
    pub(super) fn finish(mut self) -> Result<Value, Flaw> {
        let value = self.open.pop().map_or(Value::Null, |document| Value::Map(document.content));
        // Lists of siblings are levels too, and only known now.
        if value.depth() > MAX_DEPTH { Err(self.too_deep()) } else { Ok(value) }
    }

    fn too_deep(&self) -> Flaw {
        Flaw { offset: self.deepest.1, reason: too_deep() }
    }
}

impl Element {
    fn keep_text(&mut self) {
        let text = self.text.trim_ascii_end();
        if !text.is_empty() {
            self.content.push_new(Key::Borrowed("#text"), text);
        }
        self.text = String::new();
    }

    fn add_child(&mut self, name: &str, value: Value) {
        match self.content.get_mut(name) {
            None => self.content.push_new(name.to_owned(), value),
            // The value of one element is never a list, so this one holds siblings.
            Some(Value::List(siblings)) => siblings.push(value),
            Some(first) => {
                let siblings = vec![std::mem::replace(first, Value::Null), value];
                *first = Value::List(siblings);
            }
        }
    }

    fn into_value(mut self) -> Value {
        if !self.content.is_empty() {
            self.keep_text();
            return Value::Map(self.content);
        }
        self.text.truncate(self.text.trim_ascii_end().len());
        match self.text.is_empty() {
            true => Value::Bool(true),
            false => Value::String(self.text),
        }
    }
}
