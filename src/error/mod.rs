// SPDX-License-Identifier: LGPL-2.1-or-later
//! What goes wrong: one error type for libvirt's failures and our own.
//!
//! An [`Error`] is captured at the call that failed, on the thread that made
//! it, and then travels as a plain value. Our own failures are listed in
//! [`Misuse`]; they have codes from `ERROR_OWN_INTERNAL` up in a domain of their own.

mod function;
mod misuse;

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use function::Function;
pub use misuse::{Misuse, OWN_DOMAIN};

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure, with everything libvirt or we know about it.
///
/// It is boxed because it travels in `Result`s whose good case is often a
/// single integer.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Details>);

/// libvirt's level for errors, as opposed to warnings.
const LEVEL_ERROR: i32 = virt::sys::VIR_ERR_ERROR as i32;

/// The fields of an [`Error`]. Texts are C strings, so that C can borrow them.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// How bad it is: 0 none, 1 warning, 2 error.
    pub level: i32,
    /// What went wrong: libvirt's error number, or one of our own.
    pub code: i32,
    /// Which part of libvirt reported it, or [`OWN_DOMAIN`].
    pub domain: i32,
    /// The text for people.
    pub message: CString,
    /// libvirt's extra texts.
    pub strings: [Option<CString>; 3],
    /// libvirt's extra numbers.
    pub ints: [i32; 2],
    /// The function that failed: libvirt's, or the export when libvirt was not reached.
    pub function: Option<Cow<'static, CStr>>,
    /// The parameter that was wrong, where one is to blame.
    pub parameter: Option<CString>,
    /// Where in a document the mistake is: line and column, from 1.
    pub position: Option<(u64, u64)>,
    /// The functions of the C API that the text names, with spaces between them.
    pub mentions: Option<CString>,
    /// What to do about it, beside libvirt's text.
    pub hint: Option<CString>,
}

/// Runs something on a thread of the library's, where a panic must not end more than this: it is
/// an error, which says where it was. The panic hook has printed it.
pub fn caught<T>(place: &str, body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(Misuse::Internal { what: format!("a panic in {place}") }.into()))
}

impl Error {
    /// An error with these details.
    pub fn new(details: Details) -> Self {
        Error(Box::new(details))
    }

    /// Everything that is known.
    pub fn details(&self) -> &Details {
        &self.0
    }

    /// Names the function that failed, unless a deeper layer already did.
    #[must_use]
    pub fn in_function(mut self, function: &'static CStr) -> Self {
        self.0.function.get_or_insert(Cow::Borrowed(function));
        self
    }

    /// Adds a sentence, which names these functions, to the text.
    #[must_use]
    pub fn with_note(mut self, note: &str, mentions: &[Function]) -> Self {
        self.0.mentions = Function::list(mentions);
        let mut text = std::mem::take(&mut self.0.message).into_bytes();
        text.extend_from_slice(b"; ");
        text.extend_from_slice(c_string(note).as_bytes());
        // Neither part has a NUL.
        self.0.message = CString::new(text).unwrap_or_default();
        self
    }

    /// Says what to do about it, beside the text.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        self.0.hint = Some(c_string(hint));
        self
    }

    /// Sets the first two extra texts.
    #[must_use]
    pub fn with_strings(mut self, first: &str, second: &str) -> Self {
        self.0.strings = [Some(c_string(first)), Some(c_string(second)), None];
        self
    }

    /// Says which parameter held the mistake, and where in its text.
    #[must_use]
    pub fn at(mut self, parameter: &'static str, line: u64, column: u64) -> Self {
        self.0.parameter = Some(c_string(parameter));
        self.0.position = Some((line, column));
        self
    }

    /// The text for people.
    pub fn message(&self) -> String {
        self.0.message.to_string_lossy().into_owned()
    }
}

impl Details {
    /// What Sys::Virt reports when libvirt recorded no error: all numbers 0
    /// and "Unknown problem".
    pub fn unknown() -> Self {
        Details {
            level: 0,
            code: 0,
            domain: 0,
            message: c"Unknown problem".to_owned(),
            strings: [None, None, None],
            ints: [0, 0],
            function: None,
            parameter: None,
            position: None,
            mentions: None,
            hint: None,
        }
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Error(Box::new(Details {
            level: LEVEL_ERROR,
            code: misuse.code(),
            domain: misuse.domain(),
            ints: [misuse.own_number(), 0],
            message: c_string(&misuse.to_string()),
            strings: [misuse.missing().map(c_string), None, None],
            parameter: misuse.parameter().map(c_string),
            position: misuse.position(),
            function: misuse.function().map(Cow::Owned),
            mentions: misuse.mentions(),
            ..Details::unknown()
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message.to_string_lossy())
    }
}

impl std::error::Error for Error {}

/// A C string of `text`; a NUL byte, which a caller's own text may bring in, is
/// shown as it is written.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misuse_names_its_parameter_and_position() {
        let error = Error::from(Misuse::XmlSyntax {
            parameter: "xml",
            line: 3,
            column: 7,
            reason: "no end tag".into(),
        });
        let details = error.details();
        assert!(details.code > crate::constants::ERROR_OWN_INTERNAL);
        assert_eq!(details.domain, OWN_DOMAIN);
        assert_eq!(details.parameter.as_deref(), Some(c"xml"));
        assert_eq!(details.position, Some((3, 7)));
        assert_eq!(error.to_string(), "xml: XML is malformed at line 3, column 7: no end tag");
    }
}
