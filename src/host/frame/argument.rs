//! What the table of commands says of arguments and results.

use super::words::Words;
use crate::value::{Map, Value};

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

impl Shape {
    /// Whether a result can say, as (status, stdout, stderr), that the command has failed;
    /// other commands fail with an error.
    pub const fn can_hold_failure(self) -> bool {
        matches!(self, Shape::None | Shape::Tune)
    }
}

/// An argument of a command.
#[derive(Clone, Copy)]
pub struct Argument {
    /// Its name; "-" in virsh's names is "_" here.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// Whether the command cannot do without.
    pub required: bool,
    /// Whether it can be given by its place.
    pub placed: bool,
    /// What it is, without a full stop.
    pub about: &'static str,
    /// The words that it can be, where it is not libvirt that decides.
    pub words: Option<&'static Words>,
    /// Arguments that it cannot be given with.
    pub excludes: &'static [&'static str],
    /// Groups of arguments: with it, at least one of each group must be given.
    pub requires: &'static [&'static [&'static str]],
    /// Arguments of which one must be given if it is not.
    pub unless: &'static [&'static str],
    /// virsh's words for what is missing, where they are not its usual ones.
    pub said: Option<&'static str>,
}

impl Argument {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Argument {
            name,
            kind,
            required: false,
            placed: true,
            about,
            words: None,
            excludes: &[],
            requires: &[],
            unless: &[],
            said: None,
        }
    }

    /// The same, which can only be one of these words.
    pub const fn one_of(self, words: &'static Words) -> Self {
        Argument { words: Some(words), ..self }
    }

    /// The same, which cannot be given with any of these. As in virsh, one of the two
    /// says so: the one that virsh names first.
    pub const fn excludes(self, others: &'static [&'static str]) -> Self {
        Argument { excludes: others, ..self }
    }

    /// The same, which needs at least one of each group.
    pub const fn requires(self, groups: &'static [&'static [&'static str]]) -> Self {
        Argument { requires: groups, ..self }
    }

    /// The same, which must be given unless one of these is.
    pub const fn unless(self, others: &'static [&'static str]) -> Self {
        Argument { unless: others, ..self }
    }

    pub(super) fn describe(&self) -> Map {
        let mut map = Map::with_capacity(9);
        map.push_new("name", self.name);
        map.push_new("kind", self.kind.name());
        map.push_new("required", self.required);
        map.push_new("positional", self.placed);
        map.push_new("about", self.about);
        map.push_new("words", names(self.words.map_or(&[], |words| words.words)));
        map.push_new("excludes", names(self.excludes));
        let groups = self.requires.iter().map(|group| names(group).into());
        map.push_new("requires", groups.collect::<Vec<Value>>());
        map.push_new("unless", names(self.unless));
        map
    }

    /// The same, with virsh's words for what `requires` or `unless` does not find.
    pub const fn saying(self, said: &'static str) -> Self {
        Argument { said: Some(said), ..self }
    }
}

/// Those that can be given by their place, in that order, with their places in the table.
pub fn positional(
    arguments: &'static [Argument],
) -> impl Iterator<Item = (usize, &'static Argument)> {
    arguments.iter().enumerate().filter(|(_, argument)| argument.placed)
}

/// The root element of a document that can have several, such as a device: a map of one
/// has its root element as its only key.
pub const ANY_ROOT: &str = "";

/// What an argument can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false. Never positional.
    Flag,
    /// A whole number, or text that is one.
    Int,
    /// Text; a number is taken as its decimal text.
    Text,
    /// A size such as 20, "20G" or "5GiB"; without a unit it counts this many bytes.
    Size(u64),
    /// The name of a file with a document, the document as text, or as a map; the
    /// name is that of the root element, which the map may leave out, or [`ANY_ROOT`].
    Document(&'static str),
    /// Texts: one, or a list; as a positional argument, all that are left.
    Texts,
}

/// An argument that must be given.
pub const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument { required: true, ..Argument::new(name, kind, about) }
}

/// An argument that may be given.
pub const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument::new(name, kind, about)
}

/// An argument that may be given, and only by its name, as an option of a program.
pub const fn option(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument { placed: false, ..Argument::new(name, kind, about) }
}

/// A switch.
pub const fn flag(name: &'static str, about: &'static str) -> Argument {
    option(name, Kind::Flag, about)
}

impl Shape {
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

impl Kind {
    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Flag => "bool",
            Kind::Int => "int",
            Kind::Text => "string",
            Kind::Size(_) => "size",
            Kind::Document(_) => "document",
            Kind::Texts => "strings",
        }
    }
}

fn names(names: &[&'static str]) -> Vec<Value> {
    names.iter().map(|name| Value::from(*name)).collect()
}
