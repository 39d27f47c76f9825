// SPDX-License-Identifier: LGPL-2.1-or-later
//! Binds what a caller gives to the arguments of a command.

use std::ffi::CString;

use zeroize::Zeroize;

use super::argument::{Argument, Bound, Kind, Listed, flat};
use super::document;
use super::given::{blaming, c_text, wrong};
use super::text;
use crate::error::{Error, Result};
use crate::value::{Map, Value, shortened};

/// The key of the positional arguments in a map of arguments.
const POSITIONAL: &str = "args";
/// The argument that every command has: numbers and bools instead of texts.
const RAW: &str = "raw";

/// The arguments of one call.
pub struct Args {
    /// The command's name, for messages.
    pub command: &'static str,
    pub raw: bool,
    /// The command's arguments, each with what was given, in their order.
    all: Vec<(&'static Argument, Option<Bound>)>,
}

impl Args {
    /// The command's arguments in their order, each with what was given.
    pub fn all(&self) -> impl Iterator<Item = (&'static Argument, Option<&Bound>)> {
        self.all.iter().map(|(argument, bound)| (*argument, bound.as_ref()))
    }

    /// Whether the command has this very argument.
    pub fn has(&self, argument: &Argument) -> bool {
        self.all.iter().any(|(listed, _)| std::ptr::eq(*listed, argument))
    }

    /// What was given for an argument.
    pub fn get(&self, argument: &Argument) -> Option<&Bound> {
        let (_, bound) = self.all.iter().find(|(listed, _)| std::ptr::eq(*listed, argument))?;
        bound.as_ref()
    }

    /// Whether an argument was given, and, if it is a switch, is on.
    pub fn is_on(&self, argument: &Argument) -> bool {
        self.get(argument).is_some_and(Bound::is_on)
    }
}

impl Drop for Args {
    /// A text may be a secret, and there are few.
    fn drop(&mut self) {
        let bound = self.all.iter_mut().filter_map(|(_, bound)| bound.as_mut());
        let texts = bound.flat_map(|bound| match bound {
            Bound::Text(text) => std::slice::from_mut(text),
            Bound::Texts(texts) => texts.as_mut_slice(),
            _ => &mut [],
        });
        for text in texts {
            std::mem::take(text).into_bytes().zeroize();
        }
    }
}

/// Checks what was given against what the command has.
pub fn bind(command: &'static str, listed: Listed, given: &Value) -> Result<Args> {
    let empty = Map::new();
    let (by_place, named): (&[Value], &Map) = match given {
        Value::Null => (&[], &empty),
        Value::List(by_place) => (by_place, &empty),
        Value::Map(named) => match named.get(POSITIONAL) {
            None | Some(Value::Null) => (&[], named),
            Some(Value::List(by_place)) => (by_place, named),
            Some(other) => {
                let is = other.kind().phrase();
                return Err(wrong(format!("\"{POSITIONAL}\" is {is}; a list is needed")));
            }
        },
        other => {
            let is = other.kind().phrase();
            return Err(wrong(format!(
                "is {is}; a list of arguments, or a map of arguments by name, is needed"
            )));
        }
    };
    let all = flat(listed).into_iter().map(|argument| (argument, None)).collect();
    let mut args = Args { command, raw: false, all };
    args.bind_positional(by_place)?;
    for (name, value) in named {
        args.bind_named(name, value)?;
    }
    for (argument, bound) in args.all() {
        if argument.required && bound.is_none() {
            let (name, about) = (argument.name, argument.about);
            return Err(blaming(name, &wrong(format!("{command} needs \"{name}\" ({about})"))));
        }
    }
    Ok(args)
}

impl Args {
    fn bind_positional(&mut self, values: &[Value]) -> Result<()> {
        let command = self.command;
        let mut places: Vec<usize> = (0..self.all.len()).collect();
        places.retain(|place| self.all[*place].0.placed);
        let mut rest = values;
        for place in &places {
            let Some((first, others)) = rest.split_first() else {
                return Ok(());
            };
            let (argument, bound) = &mut self.all[*place];
            if argument.kind == Kind::Texts && !matches!(first, Value::List(_)) {
                *bound = take(command, argument, &Value::List(rest.to_vec()))?;
                return Ok(());
            }
            *bound = take(command, argument, first)?;
            rest = others;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let takes = match places.len() {
            0 => "no positional arguments".to_owned(),
            1 => "at most 1 positional argument".to_owned(),
            most => format!("at most {most} positional arguments"),
        };
        let given = match values.len() {
            1 => "1 was given".to_owned(),
            count => format!("{count} were given"),
        };
        Err(wrong(format!("{command} takes {takes}; {given}; it has {}", self.known())))
    }

    fn bind_named(&mut self, name: &str, value: &Value) -> Result<()> {
        let command = self.command;
        let name = name.replace('-', "_");
        if name == POSITIONAL {
            return Ok(());
        }
        if name == RAW {
            self.raw = truth(command, RAW, value)?;
            return Ok(());
        }
        let Some(place) = self.all.iter().position(|(argument, _)| argument.name == name) else {
            let (name, known) = (shortened(&name, 60), self.known());
            let reason = format!("{command} has no argument \"{name}\"; it has {known}");
            return Err(blaming(&name, &wrong(reason)));
        };
        let (argument, bound) = &mut self.all[place];
        let given = take(command, argument, value)?;
        if given.is_some() && bound.is_some() {
            let reason = format!("{command} got \"{name}\" twice, by its place and by its name");
            return Err(blaming(argument.name, &wrong(reason)));
        }
        if given.is_some() {
            *bound = given;
        }
        Ok(())
    }

    /// The names of all arguments, for an error message.
    fn known(&self) -> String {
        let names = self.all.iter().map(|(argument, _)| argument.name);
        names.chain([RAW]).collect::<Vec<_>>().join(", ")
    }
}

/// One argument. Null, and false for what is not a flag, are as if left out.
fn take(command: &str, argument: &Argument, value: &Value) -> Result<Option<Bound>> {
    let (name, kind) = (argument.name, argument.kind);
    if matches!(value, Value::Null) || (kind != Kind::Flag && *value == Value::Bool(false)) {
        return Ok(None);
    }
    Ok(Some(match kind {
        Kind::Flag => Bound::Flag(truth(command, name, value)?),
        Kind::Int => {
            let number = value.whole_number();
            let number = number.ok_or_else(|| refused(command, name, value, "a whole number"))?;
            let number = i64::try_from(number);
            Bound::Int(number.map_err(|_| refused(command, name, value, "a 64-bit integer"))?)
        }
        Kind::Text => Bound::Text(words(command, name, value)?),
        Kind::Size(unit) => Bound::Size(size(value, unit).ok_or_else(|| {
            refused(command, name, value, "a size such as 20, \"20G\" or \"5GiB\"")
        })?),
        Kind::Document(root) => Bound::Document(document::take(command, name, root, value)?),
        Kind::Texts => Bound::Texts(match value {
            Value::List(items) => {
                items.iter().map(|item| words(command, name, item)).collect::<Result<_>>()?
            }
            single => vec![words(command, name, single)?],
        }),
    }))
}

fn truth(command: &str, name: &'static str, value: &Value) -> Result<bool> {
    match value {
        // Perl's false.
        Value::String(text) if text.is_empty() => Ok(false),
        Value::Null => Ok(false),
        value => value.get_bool("").map_err(|_| refused(command, name, value, "true or false")),
    }
}

fn words(command: &str, name: &'static str, value: &Value) -> Result<CString> {
    let words = match value {
        // Where a text is wanted, true is a switch that does not exist.
        Value::Bool(_) => None,
        value => value.as_text(),
    };
    let words = words.ok_or_else(|| refused(command, name, value, "text"))?.into_owned();
    c_text(words, || format!("{command}: \"{name}\"")).map_err(|error| blaming(name, &error))
}

fn size(value: &Value, unit: u64) -> Option<u64> {
    match value {
        Value::String(words) => text::parse_size(words, unit),
        number => u64::try_from(number.whole_number()?).ok()?.checked_mul(unit),
    }
}

fn refused(command: &str, name: &'static str, value: &Value, wanted: &str) -> Error {
    let reason = format!("{command}: \"{name}\" is {}; {wanted} is needed", value.shown());
    blaming(name, &wrong(reason))
}
