// SPDX-License-Identifier: LGPL-2.1-or-later
//! How a command fails: what virsh says, and libvirt's error.

use super::given::blaming;
use crate::error::{Error, Misuse, Result};

/// A command that failed.
#[derive(Debug)]
pub struct Failure {
    /// What virsh has printed until then.
    out: String,
    /// What virsh says before it shows libvirt's error.
    said: Option<String>,
    /// libvirt's error, or our own.
    cause: Option<Error>,
    /// Whether virsh does not show libvirt's error.
    hides_cause: bool,
    /// Whether it is raised by commands, too, that give a failure as their result.
    is_raised: bool,
    /// The argument to blame.
    argument: Option<&'static str>,
}

impl Failure {
    /// A failure that virsh finds without libvirt.
    pub fn said(said: impl Into<String>) -> Self {
        Failure { said: Some(said.into()), ..Failure::NOTHING }
    }

    /// A failure that virsh tells on standard output.
    pub fn printed(out: impl Into<String>) -> Self {
        Failure { out: out.into(), ..Failure::NOTHING }
    }

    /// What virsh says of an argument that it refuses.
    pub fn refused(argument: &'static str, said: impl Into<String>) -> Self {
        Failure::said(said).blaming(argument)
    }

    const NOTHING: Failure = Failure {
        out: String::new(),
        said: None,
        cause: None,
        hides_cause: false,
        is_raised: false,
        argument: None,
    };

    /// The same, with the argument of this name to blame.
    #[must_use]
    pub fn blaming(mut self, argument: &'static str) -> Self {
        self.argument = Some(argument);
        self
    }

    /// The same, after something was printed.
    #[must_use]
    pub fn after(mut self, out: impl Into<String>) -> Self {
        self.out = out.into();
        self
    }

    /// The same, where virsh does not show libvirt's error.
    #[must_use]
    pub fn without_cause(mut self) -> Self {
        self.hides_cause = true;
        self
    }

    /// The same, where the caller has made a mistake: that is no failure of the host.
    #[must_use]
    pub fn raised(mut self) -> Self {
        self.is_raised = true;
        self
    }

    pub(super) fn is_raised(&self) -> bool {
        self.is_raised
    }

    /// The error for a query, which has no (status, stdout, stderr) to give.
    pub fn into_error(self) -> Error {
        let error = self.cause.unwrap_or_else(|| {
            let said = self.said.unwrap_or(self.out);
            Misuse::Refused { said }.into()
        });
        match self.argument {
            Some(argument) => blaming(argument, &error),
            None => error,
        }
    }

    /// stdout and stderr.
    pub(super) fn into_texts(self) -> (String, String) {
        let shown = self.cause.filter(|_| !self.hides_cause);
        let lines = self.said.into_iter().chain(shown.map(|cause| cause.message()));
        let lines: Vec<_> = lines.map(|line| format!("error: {}", line.trim_end())).collect();
        (self.out, lines.join("\n"))
    }
}

impl From<Error> for Failure {
    fn from(cause: Error) -> Self {
        Failure { cause: Some(cause), ..Failure::NOTHING }
    }
}

/// Says what virsh says about a failed call.
pub trait Says<T> {
    /// Adds virsh's words for what did not work.
    fn or_say(self, said: impl FnOnce() -> String) -> std::result::Result<T, Failure>;
}

impl<T> Says<T> for Result<T> {
    fn or_say(self, said: impl FnOnce() -> String) -> std::result::Result<T, Failure> {
        self.map_err(|cause| Failure { said: Some(said()), ..Failure::from(cause) })
    }
}
