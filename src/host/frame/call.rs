//! One call of a command: what its function works with.

use std::ffi::CStr;
use std::ops::RangeInclusive;

use super::args::{self, Args, Bound};
use super::argument::{Argument, Shape};
use super::document::Document;
use super::failure::Failure;
use super::given::shown;
use super::{rules, text};
use crate::core::Conn;
use crate::core::progress::Meter;
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

/// Hears how far a long command is: what is done, of how much in all (0 if that is
/// not known), in which unit. False cancels the command.
pub type Progress<'a> = dyn FnMut(u64, u64, &str) -> bool + 'a;

/// What a command's function gives: for a command of [`Shape::None`] the text that
/// virsh would print.
pub type Outcome = std::result::Result<Value, Failure>;

/// A command of an object, such as "start" of "network": a row of the table.
pub struct Command {
    /// As in python-kvm.
    pub name: &'static str,
    /// What virsh calls it; "" if it has no such command.
    pub virsh: &'static str,
    /// What it does, a sentence.
    pub about: &'static str,
    /// What it gives.
    pub shape: Shape,
    /// In positional order: the required ones first.
    pub arguments: &'static [Argument],
    /// Whether it tells how far it is.
    pub progress: bool,
    /// Does it.
    pub run: fn(&mut Call<'_>) -> Outcome,
}

impl Command {
    /// Itself as a value, of this object.
    pub fn describe(&self, object: &str) -> Map {
        let arguments = self.arguments.iter().map(|argument| Value::Map(argument.describe()));
        let mut map = Map::with_capacity(7);
        map.push_new("object", object);
        map.push_new("name", self.name);
        map.push_new("virsh", self.virsh);
        map.push_new("result", self.shape.name());
        map.push_new("progress", self.progress);
        map.push_new("about", self.about);
        map.push_new("arguments", arguments.collect::<Vec<_>>());
        map
    }
}

/// One call of a command.
pub struct Call<'a> {
    conn: &'a Conn,
    command: &'static Command,
    args: Args,
    progress: Option<&'a mut Progress<'a>>,
    meter: Meter,
    /// What the meter counts.
    unit: &'static str,
    /// Whether the caller has ended the command.
    cancelled: bool,
    /// What virsh says of parts that did not work, while the command goes on.
    complaints: Vec<String>,
}

impl<'a> Call<'a> {
    pub fn new(
        conn: &'a Conn,
        command: &'static Command,
        args: Args,
        progress: Option<&'a mut Progress<'a>>,
    ) -> Self {
        Call {
            conn,
            command,
            args,
            progress,
            meter: Meter::default(),
            unit: "",
            cancelled: false,
            complaints: Vec::new(),
        }
    }

    /// Runs the command.
    pub fn run(mut self) -> Result<Value> {
        let changes = match self.command.shape {
            Shape::None => true,
            Shape::Tune => self.sets_something(),
            _ => false,
        };
        let outcome = self.do_it();
        if outcome.as_ref().is_ok_and(|result| self.has_worked(result)) {
            self.complete();
        }
        match outcome {
            Err(failure) if failure.is_raised() => Err(failure.into_error()),
            outcome if changes => Ok(triple(outcome, self.complaints)),
            outcome => outcome.map_err(Failure::into_error),
        }
    }

    /// Runs another command in place of this one.
    pub fn forward(&mut self, command: &'static Command, given: &Value) -> Outcome {
        let args = args::bind(command.name, command.arguments, given)
            .map_err(|error| Failure::from(error).raised())?;
        let mut call = Call::new(self.conn, command, args, None);
        let outcome = call.do_it();
        self.complaints.append(&mut call.complaints);
        outcome
    }

    fn do_it(&mut self) -> Outcome {
        rules::check(self.command.arguments, &self.args)?;
        (self.command.run)(self)
    }

    /// The host's connection.
    pub fn conn(&self) -> &'a Conn {
        self.conn
    }

    /// Whether numbers and bools are wanted instead of texts.
    pub fn raw(&self) -> bool {
        self.args.raw
    }

    /// Tells how far the command is, and whether it is to go on. That it is complete
    /// is told when it has succeeded, not here.
    pub fn progress(&mut self, done: u64, total: u64, unit: &'static str) -> bool {
        if let (Some(progress), false) = (&mut self.progress, self.cancelled) {
            let (done, total) = self.meter.advance(done, total);
            self.unit = unit;
            self.cancelled = !progress(done, total, unit);
        }
        !self.cancelled
    }

    /// Tells that the command is complete, if it has told how far it was.
    fn complete(&mut self) {
        if let (Some(progress), Some((done, total)), false) =
            (&mut self.progress, self.meter.complete(), self.cancelled)
        {
            // There is nothing left to cancel.
            let _ = progress(done, total, self.unit);
        }
    }

    /// Whether a result says that the command has worked: a program can have failed.
    fn has_worked(&self, result: &Value) -> bool {
        match (self.command.shape, result) {
            (Shape::Ran, Value::List(ran)) => ran.first() == Some(&Value::Bool(true)),
            _ => true,
        }
    }

    /// Whether somebody wants to hear how far the command is.
    pub fn is_watched(&self) -> bool {
        self.progress.is_some()
    }

    /// Tells what did not work while the rest does.
    pub fn complain(&mut self, failure: Failure) {
        let (_, err) = failure.into_texts();
        self.complaints.push(err);
    }

    /// Whether an argument was given that changes a setting: one that is not
    /// required and does not only choose which settings are meant.
    pub fn sets_something(&self) -> bool {
        self.command.arguments.iter().enumerate().any(|(place, argument)| {
            !argument.required
                && !["config", "live", "current", "title", "pretty"].contains(&argument.name)
                && match self.args.get(place) {
                    None | Some(Bound::Flag(false)) => false,
                    Some(_) => true,
                }
        })
    }

    /// What was given for an argument. The name is one of the table's.
    fn bound(&self, name: &str) -> Option<&Bound> {
        let place = self.command.arguments.iter().position(|argument| argument.name == name);
        debug_assert!(place.is_some(), "{} has no argument {name}", self.command.name);
        self.args.get(place?)
    }

    /// The command's name.
    pub fn command_name(&self) -> &'static str {
        self.command.name
    }

    /// The arguments that the command has.
    pub fn arguments(&self) -> &'static [Argument] {
        self.command.arguments
    }

    /// Whether the command has an argument of this name.
    pub fn has(&self, name: &str) -> bool {
        self.command.arguments.iter().any(|argument| argument.name == name)
    }

    /// Whether an argument was given.
    pub fn given(&self, name: &str) -> bool {
        self.bound(name).is_some()
    }

    /// Whether a switch is on.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.bound(name), Some(Bound::Flag(true)))
    }

    /// The bits of those switches that are on.
    pub fn flags(&self, bits: &[(&str, u32)]) -> u32 {
        bits.iter().filter(|(name, _)| self.flag(name)).fold(0, |all, (_, bit)| all | bit)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&CStr> {
        match self.bound(name) {
            Some(Bound::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that the table requires.
    pub fn needed_text(&self, name: &str) -> Result<&CStr> {
        self.text(name).ok_or_else(|| self.internal(name))
    }

    /// A text as a string.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.text(name).map(shown)
    }

    /// A text that the table requires, as a string.
    pub fn needed_str(&self, name: &str) -> Result<&str> {
        self.needed_text(name).map(shown)
    }

    /// What a word means in a table that has all the words that the argument can be.
    pub fn meaning<T: Copy>(&self, name: &str, table: &[(&str, T)]) -> Result<Option<T>> {
        let Some(word) = self.str(name) else {
            return Ok(None);
        };
        let row = table.iter().find(|(known, _)| *known == word);
        row.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| self.internal(name))
    }

    /// The bits of words with commas between, in such a table.
    pub fn bits(&self, name: &str, table: &[(&str, u32)]) -> u32 {
        let words: Vec<&str> = self.str(name).into_iter().flat_map(|all| all.split(',')).collect();
        let given = table.iter().filter(|(known, _)| words.contains(known));
        given.fold(0, |all, (_, bit)| all | bit)
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.bound(name) {
            Some(Bound::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A number that the table requires.
    pub fn needed_int(&self, name: &str) -> Result<i64> {
        self.int(name).ok_or_else(|| self.internal(name))
    }

    /// A number within a range; what virsh says of another one is followed by the number.
    pub fn number<T: TryFrom<i64>>(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
        said: &str,
    ) -> std::result::Result<Option<T>, Failure> {
        let Some(given) = self.int(name) else {
            return Ok(None);
        };
        let number = T::try_from(given).ok().filter(|_| range.contains(&given));
        let number = number.ok_or_else(|| {
            let (least, most) = range.into_inner();
            let most = if most == i64::MAX { String::new() } else { format!(" to {most}") };
            Failure::said(format!(
                "{said}: \"{name}\" is {given}; a number from {least}{most} is needed"
            ))
        })?;
        Ok(Some(number))
    }

    /// A size in bytes.
    pub fn size(&self, name: &str) -> Option<u64> {
        match self.bound(name) {
            Some(Bound::Size(bytes)) => Some(*bytes),
            _ => None,
        }
    }

    /// Several texts.
    pub fn texts(&self, name: &str) -> Vec<&CStr> {
        match self.bound(name) {
            Some(Bound::Texts(texts)) => texts.iter().map(|text| &**text).collect(),
            _ => Vec::new(),
        }
    }

    /// A document that the table requires.
    pub fn document(&self, name: &str) -> std::result::Result<Document, Failure> {
        match self.bound(name) {
            Some(Bound::Document(source)) => source.read(),
            _ => Err(self.internal(name).into()),
        }
    }

    /// Memory, as "123 KiB" or in bytes.
    pub fn kib(&self, kib: u64) -> Value {
        if self.raw() { Value::Uint(kib.saturating_mul(1024)) } else { text::with_unit(kib, "KiB") }
    }

    /// A size, as "13.62 GiB" or in bytes.
    pub fn bytes(&self, bytes: u64) -> Value {
        if self.raw() { Value::Uint(bytes) } else { Value::String(text::human_size(bytes)) }
    }

    /// A text from the host, as python-kvm understands it: digits are a number,
    /// yes and no are bools.
    pub fn converted(&self, words: &str) -> Value {
        if self.raw() { Value::from(words) } else { text::converted(words) }
    }

    /// The table and a function do not agree.
    fn internal(&self, name: &str) -> crate::error::Error {
        let what = format!("{} has no value for \"{name}\"", self.command.name);
        Misuse::Internal { what }.into()
    }
}

/// (status, stdout, stderr).
fn triple(outcome: Outcome, mut complaints: Vec<String>) -> Value {
    let (status, out) = match outcome {
        Ok(out) => (true, out),
        Err(failure) => {
            let (out, err) = failure.into_texts();
            // One that is told on standard output has nothing to add.
            complaints.extend(Some(err).filter(|err| !err.is_empty()));
            (false, Value::String(out))
        }
    };
    Value::List(vec![Value::Bool(status), out, Value::String(complaints.join("\n"))])
}
