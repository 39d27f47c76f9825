// SPDX-License-Identifier: LGPL-2.1-or-later
//! [`Map`], the ordered map inside a [`Value`].

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;

use super::Value;
use crate::error::Result;
use crate::memory;

/// A key of a [`Map`]: a literal costs nothing, a computed key is owned.
pub type Key = Cow<'static, str>;

/// Up to this many entries a search through a `Vec` is faster than hashing.
const SMALL: usize = 24;

/// An ordered map from text to [`Value`].
///
/// Entries keep the order in which they were inserted. Two maps are equal when
/// they hold the same keys with equal values, in any order.
///
/// Small maps are one allocation and are searched from the front; larger ones
/// get a hash index by themselves, so that building a map of any size takes
/// linear time.
///
/// ```
/// # use vkvm::value::{Map, Value};
/// let mut info = Map::with_capacity(2);
/// info.insert("state", 1);
/// info.insert("memory", 2097152_u64);
/// assert_eq!(info.get("memory"), Some(&Value::Uint(2097152)));
/// ```
#[derive(Clone, Default)]
pub struct Map(Repr);

#[derive(Clone)]
enum Repr {
    Small(Vec<(Key, Value)>),
    /// Boxed, so that a `Value` stays at the size of a `Vec` and a tag.
    Large(Box<IndexMap<Key, Value>>),
}

impl Default for Repr {
    fn default() -> Self {
        Repr::Small(Vec::new())
    }
}

/// What an entry of a large map takes: itself, its hash, and its place in the index.
const INDEX_ENTRY: usize = size_of::<(Key, Value)>() + 2 * size_of::<usize>();

fn try_index(capacity: usize, parameter: &'static str) -> Result<IndexMap<Key, Value>> {
    let mut index = IndexMap::new();
    let reserved = index.try_reserve(capacity);
    reserved.map_err(|_| memory::none(parameter, capacity.saturating_mul(INDEX_ENTRY)))?;
    Ok(index)
}

impl Map {
    /// An empty map. Allocates nothing.
    pub fn new() -> Self {
        Map::default()
    }

    /// An empty map with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Map(if capacity <= SMALL {
            Repr::Small(Vec::with_capacity(capacity))
        } else {
            Repr::Large(Box::new(IndexMap::with_capacity(capacity)))
        })
    }

    /// An empty map with room for `capacity` entries, as a caller's input wants it.
    pub fn try_with_capacity(capacity: usize, parameter: &'static str) -> Result<Self> {
        if capacity <= SMALL {
            return Ok(Map(Repr::Small(memory::list(capacity, parameter)?)));
        }
        Ok(Map(Repr::Large(Box::new(try_index(capacity, parameter)?))))
    }

    /// Makes room for one more entry.
    #[inline]
    fn reserve(&mut self, parameter: &'static str) -> Result<()> {
        match &mut self.0 {
            Repr::Small(entries) if entries.len() < SMALL => memory::reserve(entries, 1, parameter),
            // Small, but for one entry more it has to become large.
            Repr::Small(entries) => {
                let mut index = try_index(2 * SMALL, parameter)?;
                index.extend(entries.drain(..));
                self.0 = Repr::Large(Box::new(index));
                Ok(())
            }
            Repr::Large(index) => {
                let reserved = index.try_reserve(1);
                reserved.map_err(|_| memory::none(parameter, (index.len() + 1) * INDEX_ENTRY))
            }
        }
    }

    /// [`Map::insert`] of what came from a caller.
    pub fn try_insert(
        &mut self,
        key: impl Into<Key>,
        value: impl Into<Value>,
        parameter: &'static str,
    ) -> Result<Option<Value>> {
        let key = key.into();
        if let Some(old) = self.get_mut(&key) {
            return Ok(Some(std::mem::replace(old, value.into())));
        }
        self.try_push_new(key, value, parameter)?;
        Ok(None)
    }

    /// [`Map::push_new`] of what came from a caller.
    #[inline]
    pub fn try_push_new(
        &mut self,
        key: impl Into<Key>,
        value: impl Into<Value>,
        parameter: &'static str,
    ) -> Result<()> {
        self.reserve(parameter)?;
        self.push_new(key, value);
        Ok(())
    }

    /// A copy; see [`Value::try_clone`].
    pub(super) fn try_clone(&self, parameter: &'static str) -> Result<Map> {
        let mut copy = Map::try_with_capacity(self.len(), parameter)?;
        let mut add = |key: &Key, value: &Value| -> Result<()> {
            let key = match key {
                Key::Borrowed(key) => Key::Borrowed(*key),
                Key::Owned(key) => Key::Owned(memory::text(key, parameter)?),
            };
            copy.push_new(key, value.try_clone(parameter)?);
            Ok(())
        };
        match &self.0 {
            Repr::Small(entries) => entries.iter().try_for_each(|(key, value)| add(key, value))?,
            Repr::Large(index) => index.iter().try_for_each(|(key, value)| add(key, value))?,
        }
        Ok(copy)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Small(entries) => entries.len(),
            Repr::Large(index) => index.len(),
        }
    }

    /// Whether the map has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets `key` to `value` and returns the value that it replaces, if any.
    ///
    /// A new key goes to the end; a known key keeps its place.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        let key = key.into();
        match self.get_mut(&key) {
            Some(old) => Some(std::mem::replace(old, value.into())),
            None => {
                self.push_new(key, value);
                None
            }
        }
    }

    /// Appends `key`, which the map must not have yet: nothing is searched.
    ///
    /// This is the fast way to build a map from keys that are known to differ.
    /// If the key was there after all, the map keeps one of the two entries or
    /// both; it stays safe to use.
    #[inline]
    pub fn push_new(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        let small = match &mut self.0 {
            Repr::Small(entries) if entries.len() < SMALL => Some(entries),
            _ => None,
        };
        if let Some(entries) = small {
            // Not `push((key, value))`: that makes the entry before it makes room,
            // and copying it to its place takes longer than all the rest.
            entries.extend(std::iter::once_with(|| (key.into(), value.into())));
            debug_assert!(
                entries
                    .iter()
                    .rev()
                    .skip(1)
                    .all(|(k, _)| Some(k) != entries.last().map(|(k, _)| k)),
                "push_new of the known key {:?}",
                entries.last()
            );
        } else {
            self.push_many(key.into(), value.into());
        }
    }

    /// [`Map::push_new`] for a map that is large or becomes so.
    #[cold]
    #[inline(never)]
    fn push_many(&mut self, key: Key, value: Value) {
        match &mut self.0 {
            Repr::Small(entries) => {
                let mut index = IndexMap::with_capacity(2 * SMALL);
                index.extend(entries.drain(..));
                index.insert(key, value);
                self.0 = Repr::Large(Box::new(index));
            }
            Repr::Large(index) => {
                index.insert(key, value);
            }
        }
    }

    /// The value of `key`.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.0 {
            Repr::Small(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            Repr::Large(index) => index.get(key),
        }
    }

    /// The value of `key`, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.0 {
            Repr::Small(entries) => entries.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v),
            Repr::Large(index) => index.get_mut(key),
        }
    }

    /// Removes `key` and returns its value. The others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        match &mut self.0 {
            Repr::Small(entries) => {
                let at = entries.iter().position(|(k, _)| k == key)?;
                Some(entries.remove(at).1)
            }
            Repr::Large(index) => index.shift_remove(key),
        }
    }

    /// The entry at position `index`, counted from 0.
    pub fn get_index(&self, index: usize) -> Option<(&str, &Value)> {
        match &self.0 {
            Repr::Small(entries) => entries.get(index).map(|(k, v)| (&**k, v)),
            Repr::Large(map) => map.get_index(index).map(|(k, v)| (&**k, v)),
        }
    }

    /// The value at position `index`, to be changed in place.
    pub fn get_index_mut(&mut self, index: usize) -> Option<&mut Value> {
        match &mut self.0 {
            Repr::Small(entries) => entries.get_mut(index).map(|(_, v)| v),
            Repr::Large(map) => map.get_index_mut(index).map(|(_, v)| v),
        }
    }

    /// The position of `key`, counted from 0.
    pub fn index_of(&self, key: &str) -> Option<usize> {
        match &self.0 {
            Repr::Small(entries) => entries.iter().position(|(k, _)| k == key),
            Repr::Large(index) => index.get_index_of(key),
        }
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Repr::Small(entries) => EitherIter::Small(entries.iter()),
            Repr::Large(index) => EitherIter::Large(index.iter()),
        })
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            // Equal maps mostly have equal order too: look there first.
            && self.iter().zip(other.iter()).all(|((key, value), (there, its))| match there == key {
                true => its == value,
                false => other.get(key) == Some(value),
            })
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    /// Collects entries; of entries with the same key the last value wins.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut map = Map::with_capacity(entries.size_hint().0);
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// The entries of a [`Map`] in order; made by [`Map::iter`].
pub struct Iter<'a>(
    EitherIter<std::slice::Iter<'a, (Key, Value)>, indexmap::map::Iter<'a, Key, Value>>,
);

/// The entries of a [`Map`] in order, by value.
pub struct IntoIter(
    EitherIter<std::vec::IntoIter<(Key, Value)>, indexmap::map::IntoIter<Key, Value>>,
);

enum EitherIter<S, L> {
    Small(S),
    Large(L),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            EitherIter::Small(entries) => entries.next().map(|(k, v)| (&**k, v)),
            EitherIter::Large(entries) => entries.next().map(|(k, v)| (&**k, v)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            EitherIter::Small(entries) => entries.size_hint(),
            EitherIter::Large(entries) => entries.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Iterator for IntoIter {
    type Item = (Key, Value);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            EitherIter::Small(entries) => entries.next(),
            EitherIter::Large(entries) => entries.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            EitherIter::Small(entries) => entries.size_hint(),
            EitherIter::Large(entries) => entries.size_hint(),
        }
    }
}

impl ExactSizeIterator for IntoIter {}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(match self.0 {
            Repr::Small(entries) => EitherIter::Small(entries.into_iter()),
            Repr::Large(index) => EitherIter::Large(index.into_iter()),
        })
    }
}
