//! Documents that commands build, as text: two spaces for each level and single
//! quotes, as libvirt's own are.

use std::ffi::CString;

use super::frame::given::c_text;
use crate::error::Result;

/// A document on its way.
#[derive(Default)]
pub struct Markup {
    text: String,
    depth: usize,
}

/// The attributes of an element; those without a value are left out.
pub type Attributes<'a> = [(&'a str, Option<&'a str>)];

impl Markup {
    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.begin(name, attributes);
        self.text.push_str(">\n");
        self.depth += 1;
    }

    /// Ends an element.
    pub fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.begin(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element with text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.begin(name, &[]);
        self.text.push('>');
        escape(&mut self.text, text);
        self.text.push_str(&format!("</{name}>\n"));
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
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text for libvirt.
    pub fn xml(&self) -> Result<CString> {
        c_text(self.text.clone(), || "the document".to_owned())
    }

    fn begin(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            if let Some(value) = value {
                self.text.push_str(&format!(" {attribute}='"));
                escape(&mut self.text, value);
                self.text.push('\'');
            }
        }
    }

    fn indent(&mut self) {
        self.text.push_str(&"  ".repeat(self.depth));
    }
}

fn escape(to: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '&' => to.push_str("&amp;"),
            '\'' => to.push_str("&apos;"),
            '"' => to.push_str("&quot;"),
            other => to.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_nested_and_escaped() {
        let mut markup = Markup::default();
        markup.open("a", &[("x", Some("1'")), ("y", None)]);
        markup.leaf("b", "<&>");
        markup.empty_of("c", "d", None);
        markup.empty_of("c", "d", Some("\""));
        markup.close("a");
        let wanted = "<a x='1&apos;'>\n  <b>&lt;&amp;&gt;</b>\n  <c d='&quot;'/>\n</a>\n";
        assert_eq!(markup.text(), wanted);
    }
}
