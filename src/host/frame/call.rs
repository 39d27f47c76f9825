// SPDX-License-Identifier: LGPL-2.1-or-later
//! One call of a command: what its function works with.

use std::ffi::CStr;
use std::ops::RangeInclusive;

use super::args::Args;
use super::argument::{Argument, Bound, Flag, Gives, Int, Listed, Text, Typed, Valued, flat};
use super::failure::Failure;
use super::given::shown;
use super::text;
use crate::core::Conn;
use crate::core::progress::Meter;
use crate::error::{Error, Misuse, Result};
use crate::value::{Map, Value};

/// Hears how far a long command is: what is done, of how much in all (0 if that is
/// not known), in which unit. False cancels the command.
pub type Progress<'a> = dyn FnMut(u64, u64, &str) -> bool + 'a;

/// What a command's function gives: for one that changes something the text that virsh
/// would print.
pub type Outcome = std::result::Result<Value, Failure>;

/// One call of a command.
pub struct Call<'a> {
    conn: &'a Conn,
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
    pub fn new(conn: &'a Conn, args: Args, progress: Option<&'a mut Progress<'a>>) -> Self {
        Call {
            conn,
            args,
            progress,
            meter: Meter::default(),
            unit: "",
            cancelled: false,
            complaints: Vec::new(),
        }
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
    pub(super) fn complete(&mut self) {
        if let (Some(progress), Some((done, total)), false) =
            (&mut self.progress, self.meter.complete(), self.cancelled)
        {
            // There is nothing left to cancel.
            let _ = progress(done, total, self.unit);
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

    /// What was complained about until now.
    pub(super) fn take_complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// Complains about what a call in place of this one has complained about.
    pub(super) fn add_complaints(&mut self, complaints: Vec<String>) {
        self.complaints.extend(complaints);
    }

    /// The arguments.
    pub(super) fn args(&self) -> &Args {
        &self.args
    }

    /// The command's name.
    pub fn command_name(&self) -> &'static str {
        self.args.command
    }

    /// What was given for each of the command's arguments.
    pub fn all_given(&self) -> impl Iterator<Item = (&'static Argument, &Bound)> {
        self.args.all().filter_map(|(argument, bound)| Some((argument, bound?)))
    }

    /// Whether the command has an argument.
    pub fn has<G>(&self, argument: &Typed<G>) -> bool {
        self.args.has(argument.row())
    }

    /// What was given for an argument, which the command's row lists.
    fn bound(&self, argument: &Argument) -> Option<&Bound> {
        debug_assert!(
            self.args.has(argument),
            "the row of {} does not list {}",
            self.args.command,
            argument.name
        );
        self.args.get(argument)
    }

    /// Whether an argument was given.
    pub fn given<G>(&self, argument: &Typed<G>) -> bool {
        self.bound(argument.row()).is_some()
    }

    /// Whether one of several was given.
    pub fn given_any(&self, listed: Listed) -> bool {
        flat(listed).into_iter().any(|argument| self.bound(argument).is_some())
    }

    /// Whether a switch is on.
    pub fn flag(&self, flag: &Flag) -> bool {
        self.bound(flag.row()).is_some_and(Bound::is_on)
    }

    /// The bits of those switches that are on.
    pub fn flags(&self, bits: &[(&Flag, u32)]) -> u32 {
        bits.iter().filter(|(flag, _)| self.flag(flag)).fold(0, |all, (_, bit)| all | bit)
    }

    /// An argument's value: text, a number, a size in bytes, texts, a document to read.
    pub fn get<G: Gives>(&self, argument: &Typed<G>) -> G::Of<<G::Kind as Valued>::Value<'_>> {
        let found = self.bound(argument.row()).and_then(G::Kind::value);
        G::of(found, || self.internal(argument.name()))
    }

    /// A text for libvirt.
    pub fn c_text<G: Gives<Kind = Text>>(&self, argument: &Typed<G>) -> G::Of<&CStr> {
        let found = self.bound(argument.row()).and_then(Bound::text);
        G::of(found, || self.internal(argument.name()))
    }

    /// A text, whether it must be given or not.
    fn str<G: Gives<Kind = Text>>(&self, argument: &Typed<G>) -> Option<&str> {
        self.bound(argument.row()).and_then(Text::value)
    }

    /// What a word means in a table that has all the words that the argument can be.
    pub fn meaning<T: Copy, G: Gives<Kind = Text>>(
        &self,
        argument: &Typed<G>,
        table: &[(&str, T)],
    ) -> Result<G::Of<T>> {
        let Some(word) = self.str(argument) else {
            return Ok(G::of(None, || self.internal(argument.name())));
        };
        let row = table.iter().find(|(known, _)| *known == word);
        let (_, meaning) = row.ok_or_else(|| self.internal(argument.name()))?;
        Ok(G::of(Some(*meaning), || self.internal(argument.name())))
    }

    /// The bits of words with commas between, in such a table.
    pub fn bits<G: Gives<Kind = Text>>(&self, argument: &Typed<G>, table: &[(&str, u32)]) -> u32 {
        let words: Vec<&str> =
            self.str(argument).into_iter().flat_map(|all| all.split(',')).collect();
        let given = table.iter().filter(|(known, _)| words.contains(known));
        given.fold(0, |all, (_, bit)| all | bit)
    }

    /// The numbers and texts that were given of several arguments, by their names.
    pub fn settings(&self, listed: Listed) -> Map {
        let mut map = Map::new();
        for argument in flat(listed) {
            match self.bound(argument) {
                Some(Bound::Int(number)) => map.push_new(argument.name, *number),
                Some(Bound::Text(text)) => map.push_new(argument.name, shown(text)),
                _ => {}
            }
        }
        map
    }

    /// A number within a range; what virsh says of another one is followed by the number.
    pub fn number<T: TryFrom<i64>, G: Gives<Kind = Int>>(
        &self,
        argument: &Typed<G>,
        range: RangeInclusive<i64>,
        said: &str,
    ) -> std::result::Result<G::Of<T>, Failure> {
        let name = argument.name();
        let given = self.bound(argument.row()).and_then(Int::value);
        let number = given.map(|given| {
            let number = T::try_from(given).ok().filter(|_| range.contains(&given));
            number.ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                let most = if *most == i64::MAX { String::new() } else { format!(" to {most}") };
                let needed = format!("a number from {least}{most} is needed");
                Failure::refused(name, format!("{said}: \"{name}\" is {given}; {needed}"))
            })
        });
        Ok(G::of(number.transpose()?, || self.internal(name)))
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

    /// The command's row and its function do not agree.
    fn internal(&self, name: &str) -> Error {
        let what = format!("{} has no value for \"{name}\"", self.args.command);
        Misuse::Internal { what }.into()
    }
}
