//! Binds what a caller gives to the arguments of a command.

use std::ffi::CString;

use zeroize::Zeroize;

use super::command::{Kind, Row};
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
pub fn bind<F>(command: &'static Row<F>, given: &Value) -> Result<Args> {
    let empty = Map::new();
    let (positional, named): (&[Value], &Map) = match given {
        Value::Null => (&[], &empty),
        Value::List(positional) => (positional, &empty),
        Value::Map(named) => match named.get(POSITIONAL) {
            None | Some(Value::Null) => (&[], named),
            Some(Value::List(positional)) => (positional, named),
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
    args.bound.resize_with(command.arguments.len(), || None);
    args.bind_positional(command, positional)?;
    for (name, value) in named {
        args.bind_named(command, name, value)?;
    }
    for (argument, bound) in command.arguments.iter().zip(&args.bound) {
        if argument.required && bound.is_none() {
            return Err(wrong(format!(
                "{} needs \"{}\" ({})",
                command.name, argument.name, argument.about
            )));
        }
    }
    Ok(args)
}

impl Args {
    fn bind_positional<F>(&mut self, command: &'static Row<F>, values: &[Value]) -> Result<()> {
        let mut places = command.positional();
        let mut rest = values;
        while let Some((first, others)) = rest.split_first() {
            let Some((place, argument)) = places.next() else {
                let takes = match command.positional().count() {
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
                    command.name,
                    known(command)
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

    fn bind_named<F>(&mut self, command: &'static Row<F>, name: &str, value: &Value) -> Result<()> {
        let name = name.replace('-', "_");
        if name == POSITIONAL {
            return Ok(());
        }
        if name == RAW {
            self.raw = truth(command, RAW, value)?;
            return Ok(());
        }
        let Some(place) = command.arguments.iter().position(|argument| argument.name == name)
        else {
            return Err(wrong(format!(
                "{} has no argument \"{}\"; it has {}",
                command.name,
                shortened(&name, 60),
                known(command)
            )));
        };
        let argument = &command.arguments[place];
        let bound = take(command, argument.name, argument.kind, value)?;
        if bound.is_some() && self.bound[place].is_some() {
            return Err(wrong(format!(
                "{} got \"{}\" twice, by its place and by its name",
                command.name, argument.name
            )));
        }
        if bound.is_some() {
            self.bound[place] = bound;
        }
        Ok(())
    }
}

/// The names of all arguments, for an error message.
fn known<F>(command: &Row<F>) -> String {
    let names: Vec<_> =
        command.arguments.iter().map(|argument| argument.name).chain([RAW]).collect();
    names.join(", ")
}

/// One argument. Null, and false for what is not a flag, are as if left out.
fn take<F>(
    command: &Row<F>,
    name: &'static str,
    kind: Kind,
    value: &Value,
) -> Result<Option<Bound>> {
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
            let whose = format!("{}: \"{name}\"", command.name);
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

fn truth<F>(command: &Row<F>, name: &str, value: &Value) -> Result<bool> {
    match value {
        // Perl's false.
        Value::String(text) if text.is_empty() => Ok(false),
        Value::Null => Ok(false),
        value => value.get_bool("").map_err(|_| refused(command, name, value, "true or false")),
    }
}

fn words<F>(command: &Row<F>, name: &str, value: &Value) -> Result<CString> {
    let words = match value {
        // Where a text is wanted, true is a switch that does not exist.
        Value::Bool(_) => None,
        value => value.as_text(),
    };
    let words = words.ok_or_else(|| refused(command, name, value, "text"))?.into_owned();
    c_text(words, || format!("{}: \"{name}\"", command.name))
}

fn size(value: &Value, unit: u64) -> Option<u64> {
    match value {
        Value::String(words) => text::parse_size(words, unit),
        number => u64::try_from(number.whole_number()?).ok()?.checked_mul(unit),
    }
}

fn refused<F>(command: &Row<F>, name: &str, value: &Value, wanted: &str) -> Error {
    wrong(format!("{}: \"{name}\" is {}; {wanted} is needed", command.name, value.shown()))
}
