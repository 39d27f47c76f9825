// SPDX-License-Identifier: LGPL-2.1-or-later
//! Running a program: its output, its progress, and ending it early.

use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{PROGRESS, QUIET};
use crate::error::Misuse;
use crate::host::frame::call::Call;
use crate::value::Value;

/// How often the caller is asked whether to go on, and the program whether it ended.
const PERIOD: Duration = Duration::from_millis(50);
/// What progress is told in.
const UNIT: &str = "%";
const TOTAL: u64 = 100;
/// How the program's progress begins and ends: "    (33.33/100%)\r".
const BEGIN: char = '(';
const END: &str = "/100%)\r";

/// A program to run, without a shell.
pub struct Program {
    name: &'static str,
    arguments: Vec<String>,
}

/// What became of it.
pub struct Ended {
    pub worked: bool,
    pub out: String,
    pub err: String,
}

impl Program {
    pub fn new(name: &'static str) -> Self {
        Program { name, arguments: Vec::new() }
    }

    pub fn add<S: AsRef<str>>(&mut self, arguments: impl IntoIterator<Item = S>) {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    }

    /// Runs it to its end. The caller hears of its progress if the command tells any.
    /// The error says why it did not run.
    pub fn run(mut self, call: &mut Call<'_>) -> Result<Ended, String> {
        let watched = call.is_watched() && call.has(&PROGRESS);
        if watched && !call.flag(&QUIET) {
            // Next to the subcommand, before the names.
            self.arguments.insert(1, "-p".to_owned());
        }
        let failed = |error| format!("{} cannot be run: {}", self.name, reason(&error));
        let (out, out_end) = pipe().map_err(failed)?;
        let (err, err_end) = pipe().map_err(failed)?;
        let child = Command::new(self.name)
            .args(&self.arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(out_end)
            .stderr(err_end)
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => format!(
                    "{} is not installed, or not in PATH; it is one of QEMU's tools",
                    self.name
                ),
                _ => failed(error),
            })?;
        let mut running = Running { child, out, err, texts: Default::default() };
        let result = running.watch(watched.then_some(call));
        if result.is_err() {
            running.end();
        }
        result.map_err(|reason| match reason {
            Stopped::Cancelled => Misuse::Cancelled.to_string(),
            Stopped::Failed(error) => failed(error),
        })
    }
}

/// Why a program was not waited for.
enum Stopped {
    Cancelled,
    Failed(std::io::Error),
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Stopped::Failed(error)
    }
}

/// A program that runs. Its output comes over sockets, which can be read with a time
/// limit: no threads are needed, on which a handler of the caller's signals could run.
struct Running {
    child: Child,
    out: UnixStream,
    err: UnixStream,
    /// What has come from both.
    texts: [Vec<u8>; 2],
}

impl Running {
    /// Reads what the program prints until it ends.
    fn watch(&mut self, mut call: Option<&mut Call<'_>>) -> Result<Ended, Stopped> {
        self.out.set_read_timeout(Some(PERIOD))?;
        self.err.set_nonblocking(true)?;
        let mut told = 0;
        let status = loop {
            let more = read(&mut self.out, &mut self.texts[0])?;
            while let More::Now = read(&mut self.err, &mut self.texts[1])? {}
            if let Some(call) = &mut call {
                told = percent(&self.texts[0]).unwrap_or(told);
                if !call.progress(told, TOTAL, UNIT) {
                    return Err(Stopped::Cancelled);
                }
            }
            // A program that goes to the background keeps its output open.
            match more {
                More::Later => {
                    if let Some(status) = self.child.try_wait()? {
                        break status;
                    }
                }
                More::Never => break self.child.wait()?,
                More::Now => {}
            }
        };
        self.out.set_nonblocking(true)?;
        while let More::Now = read(&mut self.out, &mut self.texts[0])? {}
        while let More::Now = read(&mut self.err, &mut self.texts[1])? {}
        let [out, err] = std::mem::take(&mut self.texts);
        let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
        let out = without_progress(&out);
        let err = match status.code() {
            None if err.is_empty() => format!("error: {status}"),
            _ => err.into_owned(),
        };
        Ok(Ended { worked: status.success(), out, err })
    }

    /// Ends the program. An error means that it has ended, and was waited for.
    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// What did not run at all.
    pub fn failed(reason: String) -> Self {
        Ended { worked: false, out: String::new(), err: format!("error: {reason}") }
    }

    /// (status, stdout, stderr).
    pub fn into_value(mut self) -> Value {
        let out = std::mem::take(&mut self.out);
        self.into_value_with(out)
    }

    /// The same with something else for what it printed.
    pub fn into_value_with(self, out: impl Into<Value>) -> Value {
        Value::List(vec![Value::Bool(self.worked), out.into(), Value::String(self.err)])
    }
}

/// A socket to read from, and its other end for a program to print to.
fn pipe() -> std::io::Result<(UnixStream, Stdio)> {
    let (ours, theirs) = UnixStream::pair()?;
    Ok((ours, Stdio::from(OwnedFd::from(theirs))))
}

/// Whether there is more to read.
enum More {
    Now,
    Later,
    Never,
}

/// Reads once.
fn read(stream: &mut UnixStream, text: &mut Vec<u8>) -> Result<More, Stopped> {
    let mut part = [0; 8192];
    match stream.read(&mut part) {
        Ok(0) => Ok(More::Never),
        Ok(length) => {
            text.extend_from_slice(&part[..length]);
            Ok(More::Now)
        }
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(More::Later),
            // What a program leaves unread on its side resets the socket.
            ErrorKind::ConnectionReset => Ok(More::Never),
            _ => Err(error.into()),
        },
    }
}

/// The last progress that was printed.
fn percent(out: &[u8]) -> Option<u64> {
    let end = out.windows(END.len()).rposition(|part| part == END.as_bytes())?;
    let begin = out[..end].iter().rposition(|byte| *byte == BEGIN as u8)?;
    let number: f64 = std::str::from_utf8(&out[begin + 1..end]).ok()?.parse().ok()?;
    Some(number as u64)
}

/// What was printed, if some of it was progress without that.
fn without_progress(out: &str) -> String {
    let mut rest = String::new();
    let mut seen = false;
    for part in out.split_inclusive(END) {
        let begin = part.ends_with(END).then(|| part.rfind(BEGIN)).flatten();
        seen |= begin.is_some();
        rest.push_str(begin.map_or(part, |begin| part[..begin].trim_end_matches(' ')));
    }
    if !seen {
        return rest;
    }
    // A line of progress ends with an empty one.
    let lines = rest.lines().filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// The system's words, without the error's number that Rust adds. A program's status
/// is lost when somebody else waits for it.
fn reason(error: &std::io::Error) -> String {
    if error.raw_os_error() == Some(libc::ECHILD) {
        return "its exit status was lost: SIGCHLD is ignored, or its handler waits for all \
                children"
            .to_owned();
    }
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_and_left_out() {
        let out = "    (0.00/100%)\r    (33.67/100%)\r\nImage committed.\n";
        assert_eq!(percent(out.as_bytes()), Some(33));
        assert_eq!(percent(b"    (99.9"), None);
        assert_eq!(percent(b"    (1.00/100%)\r    (99.9"), Some(1));
        assert_eq!(without_progress(out), "Image committed.\n");
        assert_eq!(without_progress("    (100.00/100%)\rImages are identical.\n\n"), {
            "Images are identical.\n"
        });
        assert_eq!(without_progress("(a)\n b\n"), "(a)\n b\n");
    }
}
