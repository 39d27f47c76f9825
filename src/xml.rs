// SPDX-License-Identifier: LGPL-2.1-or-later
//! XML to [`Value`] and back, by the rules of python-kvm.
//!
//! A document is a map with one key, the name of its root element. An element is
//!
//! | in XML                              | as a value                                |
//! |-------------------------------------|-------------------------------------------|
//! | `<vcpu>2</vcpu>`                    | the text, `"2"`                           |
//! | `<acpi/>`, `<acpi></acpi>`          | `true`                                    |
//! | anything with attributes or children| a map, see below                          |
//! | several siblings of the same name   | a list, at the place of the first of them |
//!
//! The map of an element holds its attributes (`"@type"`), then its text
//! (`"#text"`), then its children, each in the order of the document:
//!
//! ```
//! # use vkvm::{value::Value, xml};
//! let disk = xml::from_xml("<disk type='file'><target dev='vda'/><readonly/></disk>")?;
//! let json = r#"{"disk":{"@type":"file","target":{"@dev":"vda"},"readonly":true}}"#;
//! assert_eq!(disk.to_json(false)?, json);
//! # Ok::<(), vkvm::error::Error>(())
//! ```
//!
//! # What is kept and what is not
//!
//! - White space around text is dropped, and text of nothing else counts as none.
//! - Of an element with text behind or between its children, `"#text"` is a list of
//!   all pieces of text, each as it is written, white space included.
//! - Where the keys do not tell the order of the children, because others stand
//!   between those of one name, or text does, the last key of the map is `"#order"`:
//!   a list of the children's names, and `"#text"`, in the order of the document.
//!   libvirt's own documents need it rarely.
//! - Names keep their prefix as written; `xmlns:qemu` is the attribute
//!   `"@xmlns:qemu"`. A declared encoding is ignored: the text is decoded already.
//! - A processing instruction in an element is a child of the name `"?target"`, whose
//!   value is its data, or true if it has none. Outside the root element, where a map has
//!   no place for it, it is an error.
//! - Comments, the XML declaration and a plain DOCTYPE are skipped. A DOCTYPE
//!   with declarations of its own, and entities other than `&lt;` `&gt;` `&amp;`
//!   `&quot;` `&apos;` and character references, are errors: nothing is expanded.
//!
//! What [`from_xml`] gives is therefore stable: writing it with [`to_xml`] gives the
//! same document but for comments and white space, and reading it again an equal value.

mod chars;
mod out;
mod parts;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use crate::error::{Misuse, Result};
use crate::memory;
use crate::value::{MAX_DEPTH, Value};
pub(crate) use out::{Out, Quotes};
use parts::Flaw;
pub use tree::Visit;

/// The key of an element's text, beside its attributes and children.
const TEXT: &str = "#text";

/// The key of the order of an element's children, where their names do not tell it.
const ORDER: &str = "#order";

/// The largest document, in bytes. libvirt's own messages end at 32 MiB.
pub const MAX_SIZE: usize = 32 << 20;

/// Reads an XML document into a map of one key, the name of the root element.
///
/// The [module](self) tells the rules. An error names line and column, both
/// counted from 1, the column in characters. The document may be at most
/// [`MAX_SIZE`] bytes long, and its value at most
/// [`MAX_DEPTH`] levels deep.
pub fn from_xml(text: &str) -> Result<Value> {
    read(text, |tree| tree.value())?
}

/// Shows what [`from_xml`] makes of a document to `visitor`, without making it. Of a
/// document with an error, nothing is shown.
pub fn visit_xml(text: &str, visitor: &mut impl Visit) -> Result<()> {
    read(text, |tree| tree.show(visitor))
}

fn read<T>(text: &str, then: impl FnOnce(&tree::Tree) -> T) -> Result<T> {
    if text.len() > MAX_SIZE {
        return Err(Misuse::TooLarge {
            parameter: "xml",
            what: "the size in bytes",
            actual: text.len() as u64,
            limit: MAX_SIZE as u64,
        }
        .into());
    }
    memory::prepare();
    let text = without_mark(text);
    tree::with_tree(text, then).map_err(|flaw| {
        if let Some(error) = flaw.no_memory {
            return error;
        }
        let (line, column, reason) = describe(text, flaw);
        Misuse::XmlSyntax { parameter: "xml", line, column, reason }.into()
    })
}

/// Writes a map of one key, the name of the root element, as an XML document.
///
/// The reverse of [`from_xml`], with the [rules](self) read from right to left.
/// The other values that have an XML form are: numbers (as decimal text), null and
/// an empty map (an empty element, like true), false (no element at all), and a list
/// of any length (one element for each item).
/// `"#order"` may name more or fewer children than there are: each name takes the
/// next child of that name, if there is one left, and what it does not name comes
/// behind, in the order of the map.
/// Elements are indented by two spaces, except in an element that has text.
///
/// What XML cannot express is an error that names the path of the value: bytes,
/// handles, lists in lists, a name that is not an XML name, a control character
/// in text, an attribute or `"#text"` that is neither a string nor a number (documents
/// have different words for booleans: yes, on, true, 1).
pub fn to_xml(value: &Value) -> Result<String> {
    write::write(value)
}

/// Whether `text` is well-formed XML, without reading it into a value.
///
/// If not: the line and column, counted from 1, and what is wrong there. It
/// accepts what [`from_xml`] does, and documents of any size and depth besides.
/// When there is no memory to tell, line and column are 0.
pub fn check(text: &str) -> std::result::Result<(), (u64, u64, String)> {
    let text = without_mark(text);
    parts::take_apart(text, |_, _| Ok(())).map_err(|flaw| describe(text, flaw))
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// Line, column and reason.
fn describe(text: &str, flaw: Flaw) -> (u64, u64, String) {
    if let Some(error) = flaw.no_memory {
        return (0, 0, error.to_string());
    }
    let (line, column) = chars::position(text, flaw.offset);
    (line, column, flaw.reason)
}

/// Why a document or a value is refused that nests too deep.
fn too_deep() -> String {
    format!("it nests more than {MAX_DEPTH} levels deep")
}
