// SPDX-License-Identifier: LGPL-2.1-or-later
//! The arguments of commands. Each is a `static`, whose type says what comes out of it:
//!
//! ```text
//! static POOL: Needed<Text> = needed("pool", "name or UUID of the pool");
//! static TIMEOUT: Optional<Int> = optional("timeout", "timeout in s");
//! static DISABLE: Flag = flag("disable", "disable autostart");
//! ```
//!
//! A command's row lists them, and its function reads what was given by the same names:
//! `call.get(&POOL)?` is a text, `call.get(&TIMEOUT)` may be a number, `call.flag(&DISABLE)`
//! is true or false.
//!
//! They are no constants, because an argument is found by its address: another one of the
//! same name is not this one. And two of them can name each other in their rules.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;

use super::document::{ANY_ROOT, Source};
use super::given::shown;
use super::words::Words;
use crate::error::{Error, Result};
use crate::value::{Map, Value};

/// What the table of commands says of an argument.
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
    pub excludes: Listed,
    /// Groups of arguments: with it, at least one of each group must be given.
    pub requires: &'static [Listed],
    /// Arguments of which one must be given if it is not.
    pub unless: Listed,
    /// virsh's words for what is missing, where they are not its usual ones.
    pub said: Option<&'static str>,
    /// Whether it changes nothing, but chooses which settings are meant.
    pub chooses: bool,
}

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

/// An argument that was given.
pub enum Bound {
    Flag(bool),
    Int(i64),
    Text(CString),
    Size(u64),
    Document(Source),
    Texts(Vec<CString>),
}

/// An argument of a type `G`, which says what comes out of it.
pub struct Typed<G> {
    row: Argument,
    gives: PhantomData<G>,
}

/// An argument that must be given.
pub type Needed<K> = Typed<Must<K>>;
/// An argument that may be given.
pub type Optional<K> = Typed<May<K>>;
/// A switch.
pub type Flag = Typed<Switch>;

/// What must be given gives it.
pub struct Must<K>(PhantomData<K>);
/// What may be given gives it, or nothing.
pub struct May<K>(PhantomData<K>);
/// A switch gives whether it is on.
pub struct Switch;

/// What comes out of an argument that has a value.
pub trait Gives {
    /// What the value is.
    type Kind: Valued;
    /// A value, or whether there is one.
    type Of<T>;

    /// It, of what was found. Nothing of what must be given is an error: the command's row
    /// does not list the argument.
    fn of<T>(found: Option<T>, unlisted: impl FnOnce() -> Error) -> Self::Of<T>;
}

impl<K: Valued> Gives for Must<K> {
    type Kind = K;
    type Of<T> = Result<T>;

    fn of<T>(found: Option<T>, unlisted: impl FnOnce() -> Error) -> Result<T> {
        found.ok_or_else(unlisted)
    }
}

impl<K: Valued> Gives for May<K> {
    type Kind = K;
    type Of<T> = Option<T>;

    fn of<T>(found: Option<T>, _: impl FnOnce() -> Error) -> Option<T> {
        found
    }
}

/// A kind of argument that has a value.
pub trait Valued {
    /// The kind, in the table.
    const KIND: Kind;
    /// The value, for a command's function.
    type Value<'a>;

    /// The value of what was given.
    fn value(bound: &Bound) -> Option<Self::Value<'_>>;
}

/// A whole number.
pub struct Int;
/// A text.
pub struct Text;
/// A size in bytes.
pub struct Size;
/// A document, which is read when the function wants it.
pub struct Document;
/// Several texts.
pub struct Texts;

/// A kind of argument that can be one of some words.
pub trait Worded: Valued {}

impl Worded for Text {}
impl Worded for Texts {}

impl Valued for Int {
    const KIND: Kind = Kind::Int;
    type Value<'a> = i64;

    fn value(bound: &Bound) -> Option<i64> {
        if let Bound::Int(number) = bound { Some(*number) } else { None }
    }
}

impl Valued for Text {
    const KIND: Kind = Kind::Text;
    type Value<'a> = &'a str;

    fn value(bound: &Bound) -> Option<&str> {
        bound.text().map(shown)
    }
}

impl Valued for Size {
    const KIND: Kind = Kind::Size(1);
    type Value<'a> = u64;

    fn value(bound: &Bound) -> Option<u64> {
        if let Bound::Size(bytes) = bound { Some(*bytes) } else { None }
    }
}

impl Valued for Document {
    const KIND: Kind = Kind::Document(ANY_ROOT);
    type Value<'a> = &'a Source;

    fn value(bound: &Bound) -> Option<&Source> {
        if let Bound::Document(source) = bound { Some(source) } else { None }
    }
}

impl Valued for Texts {
    const KIND: Kind = Kind::Texts;
    type Value<'a> = Vec<&'a str>;

    fn value(bound: &Bound) -> Option<Vec<&str>> {
        match bound {
            Bound::Texts(texts) => Some(texts.iter().map(|text| shown(text)).collect()),
            _ => None,
        }
    }
}

impl Bound {
    /// A text as it is for libvirt.
    pub fn text(&self) -> Option<&CStr> {
        if let Bound::Text(text) = self { Some(text) } else { None }
    }

    /// Whether it is more than a switch that is off.
    pub fn is_on(&self) -> bool {
        !matches!(self, Bound::Flag(false))
    }
}

/// An argument that must be given.
pub const fn needed<K: Valued>(name: &'static str, about: &'static str) -> Needed<K> {
    let typed = Typed::new(name, K::KIND, about);
    Typed { row: Argument { required: true, ..typed.row }, ..typed }
}

/// An argument that may be given.
pub const fn optional<K: Valued>(name: &'static str, about: &'static str) -> Optional<K> {
    Typed::new(name, K::KIND, about)
}

/// An argument that may be given, and only by its name, as an option of a program.
pub const fn option<K: Valued>(name: &'static str, about: &'static str) -> Optional<K> {
    let typed = Typed::new(name, K::KIND, about);
    Typed { row: Argument { placed: false, ..typed.row }, ..typed }
}

/// A switch.
pub const fn flag(name: &'static str, about: &'static str) -> Flag {
    let typed = Typed::new(name, Kind::Flag, about);
    Typed { row: Argument { placed: false, ..typed.row }, ..typed }
}

impl<G> Typed<G> {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        let row = Argument {
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
            chooses: false,
        };
        Typed { row, gives: PhantomData }
    }

    /// What the table says of it.
    pub const fn row(&self) -> &Argument {
        &self.row
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.row.name
    }

    /// The same, which cannot be given with any of these. As in virsh, one of the two
    /// says so: the one that virsh names first.
    pub const fn excludes(self, others: Listed) -> Self {
        Typed { row: Argument { excludes: others, ..self.row }, ..self }
    }

    /// The same, which needs at least one of each group.
    pub const fn requires(self, groups: &'static [Listed]) -> Self {
        Typed { row: Argument { requires: groups, ..self.row }, ..self }
    }

    /// The same, which must be given unless one of these is.
    pub const fn unless(self, others: Listed) -> Self {
        Typed { row: Argument { unless: others, ..self.row }, ..self }
    }

    /// The same, with virsh's words for what `requires` or `unless` does not find.
    pub const fn saying(self, said: &'static str) -> Self {
        Typed { row: Argument { said: Some(said), ..self.row }, ..self }
    }

    /// The same, which changes no setting of a [`tune`](super::command::tune) command, but
    /// chooses which settings are meant, or how they are shown.
    pub const fn choosing(self) -> Self {
        Typed { row: Argument { chooses: true, ..self.row }, ..self }
    }
}

impl<G: Gives<Kind: Worded>> Typed<G> {
    /// The same, which can only be one of these words.
    pub const fn one_of(self, words: &'static Words) -> Self {
        Typed { row: Argument { words: Some(words), ..self.row }, ..self }
    }
}

impl<G: Gives<Kind = Size>> Typed<G> {
    /// The same, in which a plain number is in KiB.
    pub const fn in_kib(self) -> Self {
        Typed { row: Argument { kind: Kind::Size(1024), ..self.row }, ..self }
    }
}

impl<G: Gives<Kind = Document>> Typed<G> {
    /// The same, with this root element.
    pub const fn root(self, root: &'static str) -> Self {
        Typed { row: Argument { kind: Kind::Document(root), ..self.row }, ..self }
    }
}

/// Arguments in a row of the table, or a part of it that has a name of its own because
/// several rows have it, or a function reads it as a whole.
pub type Listed = &'static [&'static dyn Entry];

/// What stands in a list of arguments: one, or a list.
pub trait Entry: Sync {
    /// Adds the arguments to a flat list.
    fn add_to(&'static self, list: &mut Vec<&'static Argument>);
}

impl<G: Sync> Entry for Typed<G> {
    fn add_to(&'static self, list: &mut Vec<&'static Argument>) {
        list.push(&self.row);
    }
}

impl Entry for Listed {
    fn add_to(&'static self, list: &mut Vec<&'static Argument>) {
        self.iter().for_each(|entry| entry.add_to(list));
    }
}

/// The arguments of a list, those of lists in it among them.
pub fn flat(listed: Listed) -> Vec<&'static Argument> {
    let mut list = Vec::new();
    listed.iter().for_each(|entry| entry.add_to(&mut list));
    list
}

impl Argument {
    pub(super) fn describe(&self) -> Map {
        let mut map = Map::with_capacity(9);
        map.push_new("name", self.name);
        map.push_new("kind", self.kind.name());
        map.push_new("required", self.required);
        map.push_new("positional", self.placed);
        map.push_new("about", self.about);
        map.push_new("words", texts(self.words.map_or(&[], |words| words.words)));
        map.push_new("excludes", texts(&names(self.excludes)));
        let groups = self.requires.iter().map(|group| texts(&names(group)).into());
        map.push_new("requires", groups.collect::<Vec<Value>>());
        map.push_new("unless", texts(&names(self.unless)));
        map
    }
}

/// The names of the arguments of a list.
pub fn names(listed: Listed) -> Vec<&'static str> {
    flat(listed).iter().map(|argument| argument.name).collect()
}

fn texts(texts: &[&'static str]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(*text)).collect()
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
