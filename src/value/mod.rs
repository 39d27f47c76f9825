// SPDX-License-Identifier: LGPL-2.1-or-later
//! Structured data: what the calls of the library take and give.
//!
//! A [`Value`] is what a hash, an array or a scalar is in Perl, or what a JSON
//! document is: null, a bool, a number, text, bytes, a list, an ordered map, or
//! a handle of the library. It is read and changed by [path](Value::get), and
//! goes to and from [JSON](Value::to_json) and [XML](crate::xml).
//!
//! Lists and maps nest at most [`MAX_DEPTH`] levels deep. Whatever comes from
//! outside (JSON, XML, [`Value::set`], [`Value::append`]) is held to it, so that
//! comparing, copying and dropping a value can never exhaust the stack.

mod convert;
mod given;
mod json;
#[cfg(test)]
mod json_tests;
mod map;
mod path;
#[cfg(test)]
pub(crate) mod tests;
mod wipe;

pub(crate) use convert::shortened;
pub(crate) use given::Given;
pub use map::{IntoIter, Iter, Key, Map};

use crate::error::Result;
use crate::handle::AnyHandle;
use crate::memory;

/// How many levels lists and maps may nest: a list of numbers is one level.
pub const MAX_DEPTH: usize = 100;

/// Up to this many levels are counted. Whatever is being read may be deeper than a value
/// can be, but not by much.
const DEPTH_SHOWN: usize = 4 * MAX_DEPTH;

/// A piece of structured data.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A signed integer. Equals a [`Value::Uint`] of the same number.
    Int(i64),
    /// An unsigned integer. Equals a [`Value::Int`] of the same number.
    Uint(u64),
    /// A floating point number. Never equals an integer.
    Double(f64),
    /// Text.
    String(String),
    /// Bytes of any meaning. Never equal to text.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name, in order.
    Map(Map),
    /// An object of the library, such as a domain.
    Handle(AnyHandle),
}

/// The kind of a [`Value`]. The numbers are part of the C API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// [`Value::Null`]
    Null = 0,
    /// [`Value::Bool`]
    Bool = 1,
    /// [`Value::Int`]
    Int = 2,
    /// [`Value::Uint`]
    Uint = 3,
    /// [`Value::Double`]
    Double = 4,
    /// [`Value::String`]
    String = 5,
    /// [`Value::Bytes`]
    Bytes = 6,
    /// [`Value::List`]
    List = 7,
    /// [`Value::Map`]
    Map = 8,
    /// [`Value::Handle`]
    Handle = 9,
}

impl Kind {
    /// The public name: "null", "bool", "int64", "uint64", "double", "string",
    /// "bytes", "list", "map" or "handle".
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "bool",
            Kind::Int => "int64",
            Kind::Uint => "uint64",
            Kind::Double => "double",
            Kind::String => "string",
            Kind::Bytes => "bytes",
            Kind::List => "list",
            Kind::Map => "map",
            Kind::Handle => "handle",
        }
    }

    /// The name as it stands in a sentence, for error messages.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a bool",
            Kind::Int => "an int64",
            Kind::Uint => "a uint64",
            Kind::Double => "a double",
            Kind::String => "a string",
            Kind::Bytes => "bytes",
            Kind::List => "a list",
            Kind::Map => "a map",
            Kind::Handle => "a handle",
        }
    }
}

impl Value {
    /// What kind of value this is.
    pub const fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Uint(_) => Kind::Uint,
            Value::Double(_) => Kind::Double,
            Value::String(_) => Kind::String,
            Value::Bytes(_) => Kind::Bytes,
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
            Value::Handle(_) => Kind::Handle,
        }
    }

    /// The name of the kind, see [`Kind::name`].
    pub const fn kind_name(&self) -> &'static str {
        self.kind().name()
    }

    /// How many levels of lists and maps there are: 0 for a scalar, 1 for a
    /// list or map that is empty or holds only scalars. No more than 400 are counted.
    pub fn depth(&self) -> usize {
        if !self.is_container() {
            return 0;
        }
        self.depth_within(DEPTH_SHOWN)
    }

    /// The depth, counted up to `limit` levels: this is the check that protects all the
    /// recursive code, so it must not run out of stack itself, nor of memory.
    fn depth_within(&self, limit: usize) -> usize {
        if limit == 0 || !self.is_container() {
            return 0;
        }
        let below = self.children().map(|child| child.depth_within(limit - 1)).max();
        1 + below.unwrap_or(0)
    }

    /// A copy. Values are as large as callers make them, so that there is no memory for
    /// one is an error, which names `parameter`.
    pub fn try_clone(&self, parameter: &'static str) -> Result<Value> {
        Ok(match self {
            Value::String(text) => Value::String(memory::text(text, parameter)?),
            Value::Bytes(bytes) => Value::Bytes(memory::bytes(bytes, parameter)?),
            Value::List(items) => {
                let copies = items.iter().map(|item| item.try_clone(parameter));
                Value::List(memory::collect(copies, parameter)?)
            }
            Value::Map(map) => Value::Map(map.try_clone(parameter)?),
            Value::Handle(handle) => Value::Handle(handle.try_clone(parameter)?),
            plain => plain.clone(),
        })
    }

    fn is_container(&self) -> bool {
        matches!(self, Value::List(_) | Value::Map(_))
    }

    fn children(&self) -> impl Iterator<Item = &Value> {
        let (list, map) = match self {
            Value::List(items) => (Some(items), None),
            Value::Map(map) => (None, Some(map)),
            _ => (None, None),
        };
        let entries = map.into_iter().flatten().map(|(_, value)| value);
        list.into_iter().flatten().chain(entries)
    }

    /// The keys and positions that lead to the first value, in document order,
    /// that `wanted` accepts. Meant for error messages.
    fn find(&self, wanted: &dyn Fn(&Value) -> bool) -> Option<Vec<String>> {
        if wanted(self) {
            return Some(Vec::new());
        }
        self.children().enumerate().find_map(|(i, child)| {
            let mut way = child.find(wanted)?;
            let step = match self {
                Value::Map(map) => map.get_index(i)?.0.to_owned(),
                _ => i.to_string(),
            };
            way.insert(0, step);
            Some(way)
        })
    }
}

impl PartialEq for Value {
    /// Integers compare as numbers, whether signed or not. A double equals only
    /// a double; NaN equals the same NaN, so that a value always equals its copy.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Uint(a), Value::Uint(b)) => a == b,
            (Value::Int(a), Value::Uint(b)) | (Value::Uint(b), Value::Int(a)) => {
                u64::try_from(*a) == Ok(*b)
            }
            (Value::Double(a), Value::Double(b)) => a == b || a.to_bits() == b.to_bits(),
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Handle(a), Value::Handle(b)) => a == b,
            _ => false,
        }
    }
}
