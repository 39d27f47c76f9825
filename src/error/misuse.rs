// SPDX-License-Identifier: LGPL-2.1-or-later
//! Our own failures: what a caller, or we ourselves, got wrong.

use std::ffi::CString;

use thiserror::Error;

use super::Function;
use crate::constants as c;

/// The error domain of our own failures.
pub const OWN_DOMAIN: i32 = c::ERROR_FROM_VKVM;

/// A failure that libvirt has no part in.
///
/// Each message says which parameter was wrong, with which value, and what
/// would be right.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say what the fields mean")]
pub enum Misuse {
    #[error("internal error in libvkvm: {what}; please report it")]
    Internal { what: String },
    #[error("{parameter}: is NULL; {wanted} is needed")]
    Null { parameter: &'static str, wanted: &'static str },
    #[error("{parameter}: {value:#x} is not a handle of this library")]
    Foreign { parameter: &'static str, value: usize },
    #[error("{parameter}: this {class} handle was freed or closed already")]
    Stale { parameter: &'static str, class: &'static str },
    #[error("{parameter}: is {} handle; {} handle is needed", a(actual), a(wanted))]
    WrongClass { parameter: &'static str, actual: &'static str, wanted: &'static str },
    #[error(
        "{parameter}: this {class} handle belongs to the process that forked this one; \
         open another connection after fork"
    )]
    Forked { parameter: &'static str, class: &'static str },
    #[error(
        "{parameter}: test:///default cannot be used in this process: a thread of the process \
         that forked it was using that host at that moment, so libvirt's locks stay locked here; \
         use test:///FILE or a daemon, or fork while no other thread uses test:///default"
    )]
    LockedByFork { parameter: &'static str },
    #[error("{parameter}: is not valid UTF-8: bad byte {byte:#04x} at offset {offset}")]
    NotUtf8 { parameter: &'static str, byte: u8, offset: usize },
    #[error("{parameter}: has a NUL byte at offset {offset}; text must not have one")]
    EmbeddedNul { parameter: &'static str, offset: usize },
    #[error("{parameter}: {what} is {actual}, the limit is {limit}")]
    TooLarge { parameter: &'static str, what: &'static str, actual: u64, limit: u64 },
    #[error("{parameter}: there is no memory for {size} bytes")]
    NoMemory { parameter: &'static str, size: u64 },
    #[error("{parameter}: {reason}")]
    Invalid { parameter: &'static str, reason: String },
    #[error("{parameter}: there is no \"{path}\"{hint}")]
    NotFound { parameter: &'static str, path: String, hint: String },
    #[error("{parameter}: \"{path}\" is {actual}, not {wanted}")]
    WrongType { parameter: &'static str, path: String, actual: &'static str, wanted: &'static str },
    #[error("{parameter}: XML is malformed at line {line}, column {column}: {reason}")]
    XmlSyntax { parameter: &'static str, line: u64, column: u64, reason: String },
    #[error("{parameter}: JSON is malformed at line {line}, column {column}: {reason}")]
    JsonSyntax { parameter: &'static str, line: u64, column: u64, reason: String },
    #[error("{said}")]
    Refused { said: String },
    #[error(
        "there is no event loop: call {} or {} before {what}",
        Function::EVENT_REGISTER_DEFAULT,
        Function::EVENT_START
    )]
    NoEventLoop { what: &'static str },
    #[error("{what}: {reason}")]
    OtherEventLoop { what: &'static str, reason: &'static str },
    #[error("{what}: {by} was called already")]
    EventLoopChosen { what: &'static str, by: Function },
    #[error("{what}: {} was not called", Function::EVENT_START)]
    EventLoopNotStarted { what: &'static str },
    #[error(
        "{what}: the thread that runs the event loop is in the process that forked this one; \
         call {} in this process first",
        Function::EVENT_START
    )]
    EventLoopLeftBehind { what: &'static str },
    #[error("{parameter}: {reason}")]
    File { parameter: &'static str, reason: String },
    #[error("cancelled at a report of its progress")]
    Cancelled,
    #[error("{what} within {ms} ms")]
    TimedOut { what: String, ms: u64 },
    #[error("{what} within {ms} ms")]
    Deadline { what: String, ms: u64 },
    #[error("{function}: no answer{} within {ms} ms", from(host.as_deref()))]
    Late { function: &'static str, host: Option<String>, ms: u64 },
    #[error("{what}")]
    Busy { what: String },
    #[error("{function}: {why}")]
    GivenUp { function: &'static str, why: &'static str },
    #[error("the thread {name} could not be started: {error}")]
    NoThread { name: String, error: std::io::Error },
    #[error("{function} needs libvirt {since}; the installed libvirt does not have it")]
    NotInThisLibvirt { function: &'static str, since: &'static str },
    #[error("{function} is in {library}, a library of libvirt that is not installed")]
    NoLibrary { function: &'static str, library: &'static str },
}

/// The host in a sentence.
fn from(host: Option<&str>) -> String {
    host.map(|host| format!(" from {host}")).unwrap_or_default()
}

/// A class with its article.
fn a(class: &str) -> String {
    // "nw" is spelled out.
    let is_vowel = class.starts_with(['a', 'e', 'i', 'o']) || class.starts_with("nw");
    let article = if is_vowel { "an" } else { "a" };
    format!("{article} {class}")
}

impl Misuse {
    /// The error number; callers see it as `VKVM_ERROR_OWN_*`.
    pub fn code(&self) -> i32 {
        match self {
            Misuse::Internal { .. } => c::ERROR_OWN_INTERNAL,
            Misuse::Null { .. } => c::ERROR_OWN_NULL,
            Misuse::Foreign { .. } => c::ERROR_OWN_FOREIGN_HANDLE,
            Misuse::Stale { .. } => c::ERROR_OWN_STALE_HANDLE,
            Misuse::WrongClass { .. } => c::ERROR_OWN_WRONG_CLASS,
            // What libvirt says of a connection that is broken: programs open another one.
            Misuse::Forked { .. } => virt::sys::VIR_ERR_SYSTEM_ERROR as i32,
            Misuse::LockedByFork { .. } => c::ERROR_OWN_FORKED,
            Misuse::NotUtf8 { .. } => c::ERROR_OWN_NOT_UTF8,
            Misuse::EmbeddedNul { .. } => c::ERROR_OWN_EMBEDDED_NUL,
            Misuse::TooLarge { .. } => c::ERROR_OWN_TOO_LARGE,
            Misuse::Invalid { .. } | Misuse::Refused { .. } => c::ERROR_OWN_INVALID,
            Misuse::NotFound { .. } => c::ERROR_OWN_NOT_FOUND,
            Misuse::WrongType { .. } => c::ERROR_OWN_WRONG_TYPE,
            Misuse::XmlSyntax { .. } => c::ERROR_OWN_XML_SYNTAX,
            Misuse::JsonSyntax { .. } => c::ERROR_OWN_JSON_SYNTAX,
            Misuse::NoEventLoop { .. } => c::ERROR_OWN_NO_EVENT_LOOP,
            Misuse::OtherEventLoop { .. }
            | Misuse::EventLoopChosen { .. }
            | Misuse::EventLoopNotStarted { .. }
            | Misuse::EventLoopLeftBehind { .. } => c::ERROR_OWN_OTHER_EVENT_LOOP,
            Misuse::File { .. } => c::ERROR_OWN_FILE,
            Misuse::Deadline { .. } | Misuse::Late { .. } => c::ERROR_OWN_TIMEOUT,
            Misuse::Busy { .. } => c::ERROR_OWN_BUSY,
            // libvirt's own numbers, so that a caller needs to test for one only.
            Misuse::NoMemory { .. } => virt::sys::VIR_ERR_NO_MEMORY as i32,
            Misuse::NoThread { .. } => virt::sys::VIR_ERR_SYSTEM_ERROR as i32,
            Misuse::Cancelled => virt::sys::VIR_ERR_OPERATION_ABORTED as i32,
            Misuse::GivenUp { .. } => c::ERROR_OWN_CANCELLED,
            Misuse::TimedOut { .. } => virt::sys::VIR_ERR_OPERATION_TIMEOUT as i32,
            Misuse::NotInThisLibvirt { .. } | Misuse::NoLibrary { .. } => {
                virt::sys::VIR_ERR_NO_SUPPORT as i32
            }
        }
    }

    /// The part of libvirt that it is reported for; ours but for what programs answer
    /// as they answer libvirt.
    pub fn domain(&self) -> i32 {
        match self {
            Misuse::Forked { .. } => virt::sys::VIR_FROM_RPC as i32,
            _ => OWN_DOMAIN,
        }
    }

    /// The own number of what has one of libvirt's as its code, or the system's, or 0: the
    /// error's `int1`.
    pub fn own_number(&self) -> i32 {
        match self {
            Misuse::Forked { .. } => c::ERROR_OWN_FORKED,
            // As libvirt does with its errors of the system.
            Misuse::NoThread { error, .. } => error.raw_os_error().unwrap_or(0),
            _ => 0,
        }
    }

    /// The parameter to blame.
    pub fn parameter(&self) -> Option<&'static str> {
        match self {
            Misuse::Internal { .. }
            | Misuse::Refused { .. }
            | Misuse::NoEventLoop { .. }
            | Misuse::OtherEventLoop { .. }
            | Misuse::EventLoopChosen { .. }
            | Misuse::EventLoopNotStarted { .. }
            | Misuse::EventLoopLeftBehind { .. }
            | Misuse::Cancelled
            | Misuse::TimedOut { .. }
            | Misuse::Deadline { .. }
            | Misuse::Late { .. }
            | Misuse::Busy { .. }
            | Misuse::GivenUp { .. }
            | Misuse::NoThread { .. }
            | Misuse::NotInThisLibvirt { .. }
            | Misuse::NoLibrary { .. } => None,
            Misuse::Null { parameter, .. }
            | Misuse::Foreign { parameter, .. }
            | Misuse::Stale { parameter, .. }
            | Misuse::WrongClass { parameter, .. }
            | Misuse::Forked { parameter, .. }
            | Misuse::LockedByFork { parameter }
            | Misuse::NotUtf8 { parameter, .. }
            | Misuse::EmbeddedNul { parameter, .. }
            | Misuse::TooLarge { parameter, .. }
            | Misuse::NoMemory { parameter, .. }
            | Misuse::Invalid { parameter, .. }
            | Misuse::File { parameter, .. }
            | Misuse::NotFound { parameter, .. }
            | Misuse::WrongType { parameter, .. }
            | Misuse::XmlSyntax { parameter, .. }
            | Misuse::JsonSyntax { parameter, .. } => Some(parameter),
        }
    }

    /// The functions of the C API that its message names, with spaces between them.
    pub fn mentions(&self) -> Option<CString> {
        match self {
            Misuse::NoEventLoop { .. } => {
                Function::list(&[Function::EVENT_REGISTER_DEFAULT, Function::EVENT_START])
            }
            Misuse::EventLoopChosen { by, .. } => Function::list(&[*by]),
            Misuse::EventLoopNotStarted { .. } | Misuse::EventLoopLeftBehind { .. } => {
                Function::list(&[Function::EVENT_START])
            }
            _ => self.function(),
        }
    }

    /// The function whose call it is about, which another function has to tell of it.
    pub fn function(&self) -> Option<CString> {
        match self {
            Misuse::Late { function, .. } | Misuse::GivenUp { function, .. } => {
                CString::new(*function).ok()
            }
            _ => None,
        }
    }

    /// The key or path that does not exist.
    pub fn missing(&self) -> Option<&str> {
        match self {
            Misuse::NotFound { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Line and column of the mistake, where it is in a document.
    pub fn position(&self) -> Option<(u64, u64)> {
        match self {
            Misuse::XmlSyntax { line, column, .. } | Misuse::JsonSyntax { line, column, .. } => {
                Some((*line, *column))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_their_articles() {
        let classes =
            ["conn", "error", "event_queue", "network", "nwfilter", "interface", "stream"];
        let with: Vec<String> = classes.into_iter().map(a).collect();
        let wanted =
            "a conn, an error, an event_queue, a network, an nwfilter, an interface, a stream";
        assert_eq!(with.join(", "), wanted);
    }
}
