// SPDX-License-Identifier: LGPL-2.1-or-later
//! Arguments that are documents: a file, XML, or a structure.

use std::ffi::CString;
use std::fs;

use super::failure::Failure;
use super::given::{blaming, c_text, wrong};
use crate::error::Result;
use crate::value::{Map, Value};
use crate::xml;

/// The root element of a document that can have several, such as a device: a map of one
/// has its root element as its only key.
pub const ANY_ROOT: &str = "";

/// What messages call a document that is in no file.
const NO_FILE: &str = "document";

/// A document that was given.
pub struct Source {
    /// The argument that it was given for.
    argument: &'static str,
    place: Place,
}

/// Where a document is.
enum Place {
    /// In this file, which is read when the command runs.
    File(String),
    /// As text.
    Xml(CString),
}

/// A document to give to libvirt.
pub struct Document {
    /// Its text.
    pub xml: CString,
    /// The file it is from, for messages.
    pub file: String,
}

/// Takes an argument of a command: text that begins with "<" is the document itself, other
/// text is a file's name, and a map is the document's structure, with or without its
/// root element.
pub fn take(
    command: &str,
    argument: &'static str,
    root: &'static str,
    value: &Value,
) -> Result<Source> {
    let whose = || format!("{command}: \"{argument}\"");
    let place = match value {
        Value::String(text) if text.trim_start().starts_with('<') => {
            c_text(text.clone(), whose).map(Place::Xml)
        }
        Value::String(file) => Ok(Place::File(file.clone())),
        Value::Map(map) => xml::to_xml(&Value::Map(with_root(map, root)))
            .and_then(|text| c_text(text, whose))
            .map(Place::Xml),
        other => Err(wrong(format!(
            "{} is {}; the name of a file, XML, or a map is needed",
            whose(),
            other.kind().phrase()
        ))),
    };
    let place = place.map_err(|error| blaming(argument, &error))?;
    Ok(Source { argument, place })
}

impl Source {
    /// The document, read from its file if it is in one.
    pub fn read(&self) -> std::result::Result<Document, Failure> {
        match &self.place {
            Place::Xml(xml) => Ok(Document { xml: xml.clone(), file: NO_FILE.to_owned() }),
            Place::File(file) => {
                let text = read_file(file).map_err(|failure| failure.blaming(self.argument))?;
                let xml = c_text(text, || format!("file '{file}'"))
                    .map_err(|error| blaming(self.argument, &error))?;
                Ok(Document { xml, file: file.clone() })
            }
        }
    }
}

/// A file's text; a failure is told as virsh does.
pub fn read_file(file: &str) -> std::result::Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

/// What virsh says about a file that cannot be read.
pub fn unreadable(file: &str, error: &std::io::Error) -> Failure {
    // Rust adds the error's number to the system's text.
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    Failure::said(format!("Failed to open file '{file}': {reason}"))
}

/// The document as a map of one key, the root element.
fn with_root(map: &Map, root: &'static str) -> Map {
    let has_root =
        root == ANY_ROOT || map.len() == 1 && matches!(map.get(root), Some(Value::Map(_)));
    if has_root { map.clone() } else { Map::from_iter([(root, map.clone())]) }
}
