//! Binds what a caller gives to the arguments of a command.

use std::ffi::CString;

use zeroize::Zeroize;

use super::argument::{Argument, Kind, positional};
use super::document::{self, Source};
use super::given::{c_text, wrong};
use super::text;
use crate::error::{Error, Result};
use crate::value::{Map, Value, shortened};

/// The key of the positional arguments in a map of arguments.
const POSITIONAL: &str = "args";
/// The argument that every command has: numbers and bools instead of texts.
const RAW: &str = "raw";

/// The arguments of one call.
pub struct Args {
    pub raw: bool,
    /// In the order of the command's arguments.
    bound: Vec<Option<Bound>>,
}

/// An argument that was given.
pub enum Bound {
    Flag(bool),
    Int(i64),
    Text(CString),
    Size(u64),
    Document(Source),
    Texts(Vec<CString>),
}

impl Args {
    /// The argument at a place, if it was given.
    pub fn get(&self, place: usize) -> Option<&Bound> {
        self.bound.get(place)?.as_ref()
    }
}

impl Drop for Args {
    /// A text may be a secret, and there are few.
    fn drop(&mut self) {
        let texts = self.bound.iter_mut().flatten().flat_map(|bound| match bound {
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
pub fn bind(command: &str, arguments: &'static [Argument], given: &Value) -> Result<Args> {
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
    let mut args = Args { raw: false, bound: Vec::new() };
    args.bound.resize_with(arguments.len(), || None);
    args.bind_positional(command, arguments, by_place)?;
    for (name, value) in named {
        args.bind_named(command, arguments, name, value)?;
    }
    for (argument, bound) in arguments.iter().zip(&args.bound) {
        if argument.required && bound.is_none() {
            return Err(wrong(format!(
                "{} needs \"{}\" ({})",
                command, argument.name, argument.about
            )));
        }
    }
    Ok(args)
}

impl Args {
    fn bind_positional(
        &mut self,
        command: &str,
        arguments: &'static [Argument],
        values: &[Value],
    ) -> Result<()> {
        let mut places = positional(arguments);
        let mut rest = values;
        while let Some((first, others)) = rest.split_first() {
            let Some((place, argument)) = places.next() else {
                let takes = match positional(arguments).count() {
                    0 => "no positional arguments".to_owned(),
                    1 => "at most 1 positional argument".to_owned(),
                    most => format!("at most {most} positional arguments"),
                };
                let given = match values.len() {
                    1 => "1 was given".to_owned(),
                    count => format!("{count} were given"),
                };
                return Err(wrong(format!(
                    "{} takes {takes}; {given}; it has {}",
                    command,
                    known(arguments)
                )));
            };
            if argument.kind == Kind::Texts && !matches!(first, Value::List(_)) {
                self.bound[place] =
                    take(command, argument.name, argument.kind, &Value::List(rest.to_vec()))?;
                return Ok(());
            }
            self.bound[place] = take(command, argument.name, argument.kind, first)?;
            rest = others;
        }
        Ok(())
    }

    fn bind_named(
        &mut self,
        command: &str,
        arguments: &'static [Argument],
        name: &str,
        value: &Value,
    ) -> Result<()> {
        let name = name.replace('-', "_");
        if name == POSITIONAL {
            return Ok(());
        }
        if name == RAW {
            self.raw = truth(command, RAW, value)?;
            return Ok(());
        }
        let Some(place) = arguments.iter().position(|argument| argument.name == name) else {
            return Err(wrong(format!(
                "{} has no argument \"{}\"; it has {}",
                command,
                shortened(&name, 60),
                known(arguments)
            )));
        };
        let argument = &arguments[place];
        let bound = take(command, argument.name, argument.kind, value)?;
        if bound.is_some() && self.bound[place].is_some() {
            return Err(wrong(format!(
                "{} got \"{}\" twice, by its place and by its name",
                command, argument.name
            )));
        }
        if bound.is_some() {
            self.bound[place] = bound;
        }
        Ok(())
    }
}

/// The names of all arguments, for an error message.
fn known(arguments: &[Argument]) -> String {
    let names: Vec<_> = arguments.iter().map(|argument| argument.name).chain([RAW]).collect();
    names.join(", ")
}

/// One argument. Null, and false for what is not a flag, are as if left out.
fn take(command: &str, name: &'static str, kind: Kind, value: &Value) -> Result<Option<Bound>> {
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
        Kind::Document(root) => {
            let whose = format!("{command}: \"{name}\"");
            Bound::Document(document::take(&whose, root, value)?)
        }
        Kind::Texts => Bound::Texts(match value {
            Value::List(items) => {
                items.iter().map(|item| words(command, name, item)).collect::<Result<_>>()?
            }
            single => vec![words(command, name, single)?],
        }),
    }))
}

fn truth(command: &str, name: &str, value: &Value) -> Result<bool> {
    match value {
        // Perl's false.
        Value::String(text) if text.is_empty() => Ok(false),
        Value::Null => Ok(false),
        value => value.get_bool("").map_err(|_| refused(command, name, value, "true or false")),
    }
}

fn words(command: &str, name: &str, value: &Value) -> Result<CString> {
    let words = match value {
        // Where a text is wanted, true is a switch that does not exist.
        Value::Bool(_) => None,
        value => value.as_text(),
    };
    let words = words.ok_or_else(|| refused(command, name, value, "text"))?.into_owned();
    c_text(words, || format!("{command}: \"{name}\""))
}

fn size(value: &Value, unit: u64) -> Option<u64> {
    match value {
        Value::String(words) => text::parse_size(words, unit),
        number => u64::try_from(number.whole_number()?).ok()?.checked_mul(unit),
    }
}

fn refused(command: &str, name: &str, value: &Value, wanted: &str) -> Error {
    wrong(format!("{command}: \"{name}\" is {}; {wanted} is needed", value.shown()))
}
