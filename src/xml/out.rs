// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a document that is written: tags, escapes and indentation. Of this both
//! [`to_xml`](super::to_xml) and the documents that commands build are made.

use crate::error::Result;
use crate::memory;

/// How attributes are quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// As most programs write them.
    Double,
    /// As libvirt does, which escapes both kinds of quotes everywhere.
    Single,
}

/// A document on its way.
pub(crate) struct Out {
    text: String,
    quotes: Quotes,
    /// What the document is made of, for the error when there is no memory.
    parameter: &'static str,
}

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Attribute,
    Element,
}

impl Out {
    pub(crate) fn new(quotes: Quotes, parameter: &'static str) -> Self {
        Out { text: String::new(), quotes, parameter }
    }

    /// The document.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The document.
    pub(crate) fn into_string(self) -> String {
        self.text
    }

    /// Adds a piece as it is.
    pub(crate) fn put(&mut self, piece: &str) -> Result<()> {
        memory::append(&mut self.text, piece, self.parameter)
    }

    /// Begins a tag: its attributes follow, and what ends it.
    pub(crate) fn tag(&mut self, name: &str) -> Result<()> {
        self.put("<")?;
        self.put(name)
    }

    /// Begins an attribute, up to its value.
    pub(crate) fn attribute(&mut self, name: &str) -> Result<()> {
        self.put(" ")?;
        self.put(name)?;
        self.put("=")?;
        self.quote()
    }

    /// Begins or ends the value of an attribute.
    pub(crate) fn quote(&mut self) -> Result<()> {
        self.put(if self.quotes == Quotes::Double { "\"" } else { "'" })
    }

    /// Adds the end tag of an element.
    pub(crate) fn close(&mut self, name: &str) -> Result<()> {
        self.put("</")?;
        self.put(name)?;
        self.put(">")
    }

    /// Adds two spaces for each level.
    pub(crate) fn indent(&mut self, level: usize) -> Result<()> {
        (0..level).try_for_each(|_| self.put("  "))
    }

    /// Adds the text of an element.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.escaped(text, Place::Element)
    }

    /// Adds text within the value of an attribute.
    pub(crate) fn value(&mut self, text: &str) -> Result<()> {
        self.escaped(text, Place::Attribute)
    }

    fn escaped(&mut self, text: &str, place: Place) -> Result<()> {
        let in_attribute = place == Place::Attribute;
        let mut done = 0;
        for (at, byte) in text.bytes().enumerate() {
            // A reader would take a bare "\r" for "\n", and in an attribute all
            // white space for spaces.
            let escape = match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'\r' => "&#13;",
                b'"' if in_attribute || self.quotes == Quotes::Single => "&quot;",
                b'\'' if self.quotes == Quotes::Single => "&apos;",
                b'\n' if in_attribute => "&#10;",
                b'\t' if in_attribute => "&#9;",
                _ => continue,
            };
            self.put(&text[done..at])?;
            self.put(escape)?;
            done = at + 1;
        }
        self.put(&text[done..])
    }
}
