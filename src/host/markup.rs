// SPDX-License-Identifier: LGPL-2.1-or-later
//! Documents that commands build, as text: two spaces for each level and single
//! quotes, as libvirt's own are.

use std::ffi::CString;

use super::frame::given::c_text;
use crate::error::{Error, Result};
use crate::xml::{Out, Quotes};

/// A document on its way. When there is no memory for it, that is the error of who asks for
/// the document.
pub struct Markup {
    out: Out,
    depth: usize,
    failure: Option<Error>,
}

impl Default for Markup {
    fn default() -> Self {
        Markup { out: Out::new(Quotes::Single, "the document"), depth: 0, failure: None }
    }
}

/// The attributes of an element; those without a value are left out.
pub type Attributes<'a> = [(&'a str, Option<&'a str>)];

impl Markup {
    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.begin(name, attributes);
        self.write(|out| out.put(">\n"));
        self.depth += 1;
    }

    /// Ends an element.
    pub fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        let depth = self.depth;
        self.write(|out| {
            out.indent(depth)?;
            out.close(name)?;
            out.put("\n")
        });
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.begin(name, attributes);
        self.write(|out| out.put("/>\n"));
    }

    /// An element with text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.begin(name, &[]);
        self.write(|out| {
            out.put(">")?;
            out.text(text)?;
            out.close(name)?;
            out.put("\n")
        });
    }

    /// An element with text, if there is one.
    pub fn leaf_of(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// An element with one attribute, if that has a value.
    pub fn empty_of(&mut self, name: &str, attribute: &str, value: Option<&str>) {
        if value.is_some() {
            self.empty(name, &[(attribute, value)]);
        }
    }

    /// The text.
    pub fn text(&self) -> Result<&str> {
        match &self.failure {
            None => Ok(self.out.as_str()),
            Some(failure) => Err(failure.clone()),
        }
    }

    /// The text for libvirt.
    pub fn xml(&self) -> Result<CString> {
        c_text(self.text()?.to_owned(), || "the document".to_owned())
    }

    fn begin(&mut self, name: &str, attributes: &Attributes<'_>) {
        let depth = self.depth;
        self.write(|out| {
            out.indent(depth)?;
            out.tag(name)?;
            for (attribute, value) in attributes {
                if let Some(value) = value {
                    out.attribute(attribute)?;
                    out.value(value)?;
                    out.quote()?;
                }
            }
            Ok(())
        });
    }

    fn write(&mut self, body: impl FnOnce(&mut Out) -> Result<()>) {
        if self.failure.is_none() {
            self.failure = body(&mut self.out).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_nested_and_escaped() {
        let mut markup = Markup::default();
        markup.open("a", &[("x", Some("1'\n")), ("y", None)]);
        markup.leaf("b", "<&>\"");
        markup.empty_of("c", "d", None);
        markup.empty_of("c", "d", Some("\""));
        markup.open("e", &[]);
        markup.leaf_of("f", None);
        markup.leaf_of("f", Some("g"));
        markup.close("e");
        markup.close("a");
        let wanted = "<a x='1&apos;&#10;'>\n  <b>&lt;&amp;&gt;&quot;</b>\n  <c d='&quot;'/>\n  \
                      <e>\n    <f>g</f>\n  </e>\n</a>\n";
        assert_eq!(markup.text().unwrap(), wanted);
        assert_eq!(markup.xml().unwrap().to_str(), Ok(wanted));
    }

    #[test]
    fn what_failed_once_fails_who_asks_for_the_document() {
        let mut markup = Markup::default();
        markup.write(|_| Err(crate::memory::none("the document", 7)));
        markup.leaf("a", "b");
        let expected = "the document: there is no memory for 7 bytes";
        assert_eq!(markup.text().unwrap_err().to_string(), expected);
        assert_eq!(markup.xml().unwrap_err().to_string(), expected);
    }
}
