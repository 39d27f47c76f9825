// SPDX-License-Identifier: LGPL-2.1-or-later
//! The rows of the table of commands, and how a command is run.

use super::args::{Args, bind};
use super::argument::{Argument, Bound, Listed, flat};
use super::call::{Call, Outcome, Progress};
use super::failure::Failure;
use super::rules;
use crate::core::Conn;
use crate::error::Result;
use crate::value::{Map, Value};

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
    /// Whether it tells how far it is.
    pub progress: bool,
    /// In positional order: the required ones first.
    listed: Listed,
    /// Does it.
    run: Run,
}

/// The function that does what a command does.
pub type Run = fn(&mut Call<'_>) -> Outcome;

/// What a command gives, in python-kvm's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A map of facts.
    Dict,
    /// Text, or a number.
    Str,
    /// A map of statistics, whose values are text.
    Stats,
    /// A list.
    List,
    /// A map of settings; when settings are given, it changes them and gives what
    /// [`Shape::None`] does.
    Tune,
    /// Nothing but whether it worked: the list (status, stdout, stderr).
    None,
    /// A document, without its root element.
    Xml,
    /// What [`Shape::None`] gives, where a program was run and its output is given.
    Ran,
}

/// A command that changes something, and gives whether that worked.
pub const fn action(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::None, name, virsh, run)
}

/// A query that gives a map of facts.
pub const fn facts(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::Dict, name, virsh, run)
}

/// A query that gives text, or a number.
pub const fn word(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::Str, name, virsh, run)
}

/// A query that gives a map of statistics, whose values are text.
pub const fn stats(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::Stats, name, virsh, run)
}

/// A query that gives a list.
pub const fn list(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::List, name, virsh, run)
}

/// A query that gives a document as a map.
pub const fn document(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::Xml, name, virsh, run)
}

/// A query that gives a map of settings; with settings as arguments it is an action, which
/// changes them.
pub const fn tune(name: &'static str, virsh: &'static str, run: Run) -> Command {
    row(Shape::Tune, name, virsh, run)
}

/// An action that runs a program of this machine, whose output it gives; virsh has none.
pub const fn program(name: &'static str, run: Run) -> Command {
    row(Shape::Ran, name, "", run)
}

const fn row(shape: Shape, name: &'static str, virsh: &'static str, run: Run) -> Command {
    Command { name, virsh, about: "", shape, progress: false, listed: &[], run }
}

impl Command {
    /// The same, which does this: a sentence.
    pub const fn about(self, about: &'static str) -> Self {
        Command { about, ..self }
    }

    /// The same with these arguments, in positional order: the required ones first.
    pub const fn takes(self, listed: Listed) -> Self {
        Command { listed, ..self }
    }

    /// The same, which tells how far it is.
    pub const fn tells_progress(self) -> Self {
        Command { progress: true, ..self }
    }

    /// Its arguments.
    pub fn arguments(&self) -> Vec<&'static Argument> {
        flat(self.listed)
    }

    /// Itself as a value, of this object; `keys` are those of its result.
    pub fn describe(&self, object: &str, keys: &[&str]) -> Map {
        let arguments = self.arguments();
        let arguments = arguments.iter().map(|argument| Value::Map(argument.describe()));
        let keys = keys.iter().map(|key| Value::from(*key));
        let mut map = Map::with_capacity(8);
        map.push_new("object", object);
        map.push_new("name", self.name);
        map.push_new("virsh", self.virsh);
        map.push_new("result", self.shape.name());
        map.push_new("keys", keys.collect::<Vec<_>>());
        map.push_new("progress", self.progress);
        map.push_new("about", self.about);
        map.push_new("arguments", arguments.collect::<Vec<_>>());
        map
    }

    /// Checks what was given against what it takes.
    pub fn bind(&self, given: &Value) -> Result<Args> {
        bind(self.name, self.listed, given)
    }

    /// Runs it.
    pub fn call<'a>(
        &self,
        conn: &'a Conn,
        given: &Value,
        progress: Option<&'a mut Progress<'a>>,
    ) -> Result<Value> {
        let mut call = Call::new(conn, self.bind(given)?, progress);
        let changes = match self.shape {
            Shape::None => true,
            Shape::Tune => sets_something(call.args()),
            _ => false,
        };
        let outcome = self.run(&mut call);
        if outcome.as_ref().is_ok_and(|result| self.has_worked(result)) {
            call.complete();
        }
        match outcome {
            Err(failure) if failure.is_raised() => Err(failure.into_error()),
            outcome if changes => Ok(triple(outcome, call.take_complaints())),
            outcome => outcome.map_err(Failure::into_error),
        }
    }

    /// Runs it in place of the command that was called.
    pub fn forward(&self, called: &mut Call<'_>, given: &Value) -> Outcome {
        let args = self.bind(given).map_err(|error| Failure::from(error).raised())?;
        let mut call = Call::new(called.conn(), args, None);
        let outcome = self.run(&mut call);
        called.add_complaints(call.take_complaints());
        outcome
    }

    fn run(&self, call: &mut Call<'_>) -> Outcome {
        rules::check(call.args())?;
        (self.run)(call)
    }

    /// Whether a result says that it has worked: a program can have failed.
    fn has_worked(&self, result: &Value) -> bool {
        match (self.shape, result) {
            (Shape::Ran, Value::List(ran)) => ran.first() == Some(&Value::Bool(true)),
            _ => true,
        }
    }
}

/// Whether an argument was given that changes a setting: one that is not required and does
/// not only choose which settings are meant.
fn sets_something(args: &Args) -> bool {
    args.all().any(|(argument, bound)| {
        !argument.required && !argument.chooses && bound.is_some_and(Bound::is_on)
    })
}

impl Shape {
    /// Whether a result can say, as (status, stdout, stderr), that the command has failed;
    /// other commands fail with an error.
    pub const fn can_hold_failure(self) -> bool {
        matches!(self, Shape::None | Shape::Tune)
    }

    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Shape::Dict => "dict",
            Shape::Str => "str",
            Shape::Stats => "stats",
            Shape::List => "list",
            Shape::Tune => "tune",
            Shape::None | Shape::Ran => "none",
            Shape::Xml => "xml",
        }
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
