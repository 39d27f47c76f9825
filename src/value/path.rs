// SPDX-License-Identifier: LGPL-2.1-or-later
//! Reading and changing a value by path.

use super::convert::{named, shortened, wrong_type};
use super::{Key, MAX_DEPTH, Map, Value};
use crate::error::{Error, Misuse, Result};
use crate::memory;

/// The longest path, in bytes. Keeps the search for keys with dots short.
const MAX_PATH: usize = 4096;

/// How many keys an error message lists.
const SHOWN_KEYS: usize = 10;

/// Where a path leads: the position to take in each list and map on the way.
type Steps = Vec<usize>;

/// # Paths
///
/// A path names a value inside another one: the keys of maps and the positions
/// in lists (decimal, from 0), joined by dots, as in `host.cpu.model` or
/// `devices.disk.0.@type`. The empty path is the value itself.
///
/// Keys may contain dots themselves (`balloon.current`). So at a map the whole
/// rest of the path is tried as a key first, then every shorter part that ends
/// at a dot, the longest first; the first one that leads to a value is taken.
impl Value {
    /// The value at `path`.
    ///
    /// If there is none, the error says how far the path leads and what is there.
    ///
    /// ```
    /// # use vkvm::value::Value;
    /// let info = Value::from_json(r#"{"disks": [{"name": "vda"}], "balloon.current": 5}"#)?;
    /// assert_eq!(info.get("disks.0.name")?, &Value::from("vda"));
    /// assert_eq!(info.get("balloon.current")?, &Value::Int(5));
    /// # Ok::<(), vkvm::error::Error>(())
    /// ```
    pub fn get(&self, path: &str) -> Result<&Value> {
        check_length(path)?;
        self.seek(path).ok_or_else(|| self.not_found(path))
    }

    /// The value at `path`, to be changed in place.
    pub fn get_mut(&mut self, path: &str) -> Result<&mut Value> {
        let steps = self.locate(path)?;
        self.follow(path, &steps)
    }

    /// Sets what `path` names to `value`.
    ///
    /// What is there is replaced. Otherwise it becomes a new entry of the last map or
    /// list on the path that exists, with all that is missing between them:
    ///
    /// - a name makes a key, and a map for what follows;
    /// - `+` appends to a list, and so does the list's length;
    /// - `+` or `0` behind a missing part makes a list there.
    ///
    /// In what is made, each dot separates parts; [`Value::insert_key`] takes keys that
    /// have dots of their own.
    ///
    /// ```
    /// # use vkvm::value::{Map, Value};
    /// let mut domain = Value::from(Map::new());
    /// domain.set("domain.@type", "kvm".into())?;
    /// domain.set("domain.disk.+.@type", "file".into())?;
    /// domain.set("domain.disk.0.target.@dev", "vda".into())?;
    /// let json = r#"{"domain":{"@type":"kvm","disk":[{"@type":"file","target":{"@dev":"vda"}}]}}"#;
    /// assert_eq!(domain.to_json(false)?, json);
    /// # Ok::<(), vkvm::error::Error>(())
    /// ```
    ///
    /// Returns what was replaced.
    pub fn set(&mut self, path: &str, value: Value) -> Result<Option<Value>> {
        check_length(path)?;
        if let Some(steps) = self.try_locate(path) {
            check_depth(steps.len(), &value)?;
            return Ok(Some(std::mem::replace(self.follow(path, &steps)?, value)));
        }
        let Some((steps, rest)) = self.vacancy(path) else {
            return Err(self.no_place(path));
        };
        let (first, below) = first_part(rest);
        // The depth first: what is built for a path with many dots is deep, too.
        let levels = below.map_or(0, |below| below.split('.').count());
        check_depth(steps.len() + 1 + levels, &value)?;
        let whole = match below {
            Some(below) => built(below, value),
            None => Some(value),
        };
        let Some(value) = whole else {
            return Err(self.no_place(path));
        };
        match self.follow(path, &steps)? {
            Value::Map(map) => map.try_push_new(first.to_owned(), value, "item")?,
            Value::List(items) => memory::push(items, value, "item")?,
            _ => return Err(self.no_place(path)),
        }
        Ok(None)
    }

    /// Sets `key` of the map at `path` to `value`. Dots in `key` mean nothing.
    ///
    /// Returns what was replaced.
    pub fn insert_key(
        &mut self,
        path: &str,
        key: impl Into<Key>,
        value: Value,
    ) -> Result<Option<Value>> {
        let steps = self.locate(path)?;
        check_depth(steps.len() + 1, &value)?;
        match self.follow(path, &steps)? {
            Value::Map(map) => map.try_insert(key, value, "item"),
            other => Err(wrong_type(path, other, "a map")),
        }
    }

    /// Appends `value` to the list at `path`.
    pub fn append(&mut self, path: &str, value: Value) -> Result<()> {
        let steps = self.locate(path)?;
        check_depth(steps.len() + 1, &value)?;
        match self.follow(path, &steps)? {
            Value::List(items) => memory::push(items, value, "item"),
            other => Err(wrong_type(path, other, "a list")),
        }
    }

    /// Takes the value at `path` out of the map or list that holds it.
    ///
    /// What follows in a list moves up by one.
    pub fn remove(&mut self, path: &str) -> Result<Value> {
        let mut steps = self.locate(path)?;
        let Some(last) = steps.pop() else {
            let reason = "it is empty: a value cannot be removed from itself".to_owned();
            return Err(Misuse::Invalid { parameter: "path", reason }.into());
        };
        let removed = match self.follow(path, &steps)? {
            Value::List(items) if last < items.len() => Some(items.remove(last)),
            Value::Map(map) => match map.get_index(last).map(|(key, _)| key.to_owned()) {
                Some(key) => map.remove(&key),
                None => None,
            },
            _ => None,
        };
        removed.ok_or_else(|| self.not_found(path))
    }

    fn locate(&self, path: &str) -> Result<Steps> {
        check_length(path)?;
        self.try_locate(path).ok_or_else(|| self.not_found(path))
    }

    fn try_locate(&self, path: &str) -> Option<Steps> {
        if path.is_empty() {
            return Some(Steps::new());
        }
        let mut steps = Steps::new();
        self.trace(path, &mut steps).then_some(steps)
    }

    fn seek(&self, path: &str) -> Option<&Value> {
        if path.is_empty() {
            return Some(self);
        }
        self.seek_part(path)
    }

    /// The value at the non-empty path `rest`, or at a key "" after a final dot.
    ///
    /// No value is visited twice, since only one part of the path leads to it:
    /// the search ends after as many steps as there are values.
    fn seek_part(&self, rest: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map
                .get(rest)
                .or_else(|| splits(rest).find_map(|(key, below)| map.get(key)?.seek_part(below))),
            Value::List(items) => match rest.split_once('.') {
                Some((index, below)) => items.get(parse_index(index)?)?.seek_part(below),
                None => items.get(parse_index(rest)?),
            },
            _ => None,
        }
    }

    /// Like [`Value::seek_part`], but notes the way.
    fn trace(&self, rest: &str, steps: &mut Steps) -> bool {
        let depth = steps.len();
        match self {
            Value::Map(map) => {
                if let Some(at) = map.index_of(rest) {
                    steps.push(at);
                    return true;
                }
                splits(rest).any(|(key, below)| {
                    steps.truncate(depth);
                    let Some((at, child)) = entry(map, key) else {
                        return false;
                    };
                    steps.push(at);
                    child.trace(below, steps)
                })
            }
            Value::List(items) => {
                let (index, below) = first_part(rest);
                let Some(at) = parse_index(index).filter(|at| *at < items.len()) else {
                    return false;
                };
                steps.push(at);
                below.is_none_or(|below| items[at].trace(below, steps))
            }
            _ => false,
        }
    }

    /// The value to which `steps` lead, which [`Value::trace`] has found for `path`.
    fn follow(&mut self, path: &str, steps: &[usize]) -> Result<&mut Value> {
        let found = steps.iter().try_fold(self, |value, &at| match value {
            Value::List(items) => items.get_mut(at),
            Value::Map(map) => map.get_index_mut(at),
            _ => None,
        });
        found.ok_or_else(|| {
            let (path, hint) = (path.to_owned(), String::new());
            Misuse::NotFound { parameter: "path", path, hint }.into()
        })
    }

    /// The last map or list on `path`, and the rest of the path, which is to be made there.
    fn vacancy<'p>(&self, path: &'p str) -> Option<(Steps, &'p str)> {
        let mut steps = Steps::new();
        let rest = self.trace_vacancy(path, &mut steps)?;
        Some((steps, rest))
    }

    fn trace_vacancy<'p>(&self, rest: &'p str, steps: &mut Steps) -> Option<&'p str> {
        let depth = steps.len();
        match self {
            Value::Map(map) => {
                let mut is_known = false;
                let place = splits(rest).find_map(|(key, below)| {
                    steps.truncate(depth);
                    let (at, child) = entry(map, key)?;
                    is_known = true;
                    steps.push(at);
                    child.trace_vacancy(below, steps)
                });
                if place.is_some() {
                    return place;
                }
                steps.truncate(depth);
                let (first, _) = first_part(rest);
                (!is_known && !first.is_empty() && first != APPEND).then_some(rest)
            }
            Value::List(items) => {
                let (index, below) = first_part(rest);
                if index == APPEND {
                    return Some(rest);
                }
                let at = parse_index(index)?;
                if at == items.len() {
                    return Some(rest);
                }
                let child = items.get(at)?;
                steps.push(at);
                child.trace_vacancy(below?, steps)
            }
            _ => None,
        }
    }

    /// How many bytes of `rest` lead somewhere, at most, and where they lead.
    fn farthest(&self, rest: &str) -> (usize, &Value) {
        let mut best = (0, self);
        match self {
            Value::Map(map) => {
                for (key, below) in splits(rest) {
                    if let Some(child) = map.get(key) {
                        let (length, value) = child.farthest(below);
                        let length = if length == 0 { key.len() } else { key.len() + 1 + length };
                        if length > best.0 {
                            best = (length, value);
                        }
                    }
                }
            }
            Value::List(items) => {
                let (index, below) = rest.split_once('.').unwrap_or_default();
                if let Some(child) = parse_index(index).and_then(|at| items.get(at)) {
                    let (length, value) = child.farthest(below);
                    let length = if length == 0 { index.len() } else { index.len() + 1 + length };
                    best = (length, value);
                }
            }
            _ => {}
        }
        best
    }

    fn not_found(&self, path: &str) -> Error {
        let (reached, value) = self.farthest(path);
        let hint = value.contents(&path[..reached]);
        Misuse::NotFound { parameter: "path", path: path.to_owned(), hint }.into()
    }

    /// Why [`Value::set`] finds no place for `path`.
    fn no_place(&self, path: &str) -> Error {
        let (reached, value) = self.farthest(path);
        let known = &path[..reached];
        let rest = if reached == 0 { path } else { path.get(reached + 1..).unwrap_or_default() };
        let (first, _) = first_part(rest);
        match value {
            Value::List(items) => {
                let hint = format!("{}; {} or + appends", value.contents(known), items.len());
                Misuse::NotFound { parameter: "path", path: path.to_owned(), hint }.into()
            }
            Value::Map(_) if first == APPEND => {
                let (path, actual) = (named(known).to_owned(), value.kind().phrase());
                let wanted = "a list, to which + appends";
                Misuse::WrongType { parameter: "path", path, actual, wanted }.into()
            }
            Value::Map(_) if rest.split('.').any(str::is_empty) => {
                let reason = format!(
                    "\"{path}\" has an empty part: each part between dots must name a key, or \
                     an item of a list"
                );
                Misuse::Invalid { parameter: "path", reason }.into()
            }
            Value::Map(_) => {
                let hint = ": a new list begins with its item 0, or +".to_owned();
                Misuse::NotFound { parameter: "path", path: path.to_owned(), hint }.into()
            }
            _ => wrong_type(known, value, "a map or a list"),
        }
    }

    /// What a value consists of, for the end of a message: "; the keys are a, b".
    fn contents(&self, path: &str) -> String {
        let of = if path.is_empty() {
            String::new()
        } else {
            format!(" of \"{}\"", shortened(path, 100))
        };
        let subject = if path.is_empty() {
            "the value".to_owned()
        } else {
            format!("\"{}\"", shortened(path, 100))
        };
        match self {
            Value::Map(map) if map.is_empty() => format!("; {subject} is an empty map"),
            Value::Map(map) => {
                let keys: Vec<_> =
                    map.iter().take(SHOWN_KEYS).map(|(key, _)| shortened(key, 40)).collect();
                let more = match map.len() {
                    n if n > SHOWN_KEYS => format!(" and {} more", n - SHOWN_KEYS),
                    _ => String::new(),
                };
                format!("; the keys{of} are {}{more}", keys.join(", "))
            }
            Value::List(items) => match items.len() {
                0 => format!("; {subject} is an empty list"),
                1 => format!("; {subject} is a list of 1 item (0)"),
                n => format!("; {subject} is a list of {n} items (0 to {})", n - 1),
            },
            _ => format!("; {subject} is {}, which has no parts", self.kind().phrase()),
        }
    }
}

/// The part of a path that appends to a list.
const APPEND: &str = "+";

/// Maps and lists around `value` for a path of which nothing exists; none for one that
/// cannot be made.
fn built(path: &str, value: Value) -> Option<Value> {
    path.rsplit('.').try_fold(value, |value, part| match part {
        "" => None,
        APPEND | "0" => Some(Value::List(vec![value])),
        _ if parse_index(part).is_some() => None,
        _ => Some(Value::Map(Map::from_iter([(part.to_owned(), value)]))),
    })
}

/// The two sides of each dot in `path`, from the last dot to the first.
fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.rmatch_indices('.').map(|(dot, _)| (&path[..dot], &path[dot + 1..]))
}

fn entry<'a>(map: &'a Map, key: &str) -> Option<(usize, &'a Value)> {
    let at = map.index_of(key)?;
    Some((at, map.get_index(at)?.1))
}

fn first_part(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    }
}

/// A position in a list. Only one spelling names it: "1", not "01" or "+1".
fn parse_index(text: &str) -> Option<usize> {
    let canonical = text == "0" || text.starts_with(|c: char| ('1'..='9').contains(&c));
    if canonical { text.parse().ok() } else { None }
}

fn check_length(path: &str) -> Result<()> {
    if path.len() > MAX_PATH {
        return Err(Misuse::TooLarge {
            parameter: "path",
            what: "the length in bytes",
            actual: path.len() as u64,
            limit: MAX_PATH as u64,
        }
        .into());
    }
    Ok(())
}

/// Refuses `value` `above` levels down if the whole would nest too deep.
fn check_depth(above: usize, value: &Value) -> Result<()> {
    let depth = above + value.depth();
    if depth > MAX_DEPTH {
        return Err(Misuse::TooLarge {
            parameter: "value",
            what: "the nesting depth",
            actual: depth as u64,
            limit: MAX_DEPTH as u64,
        }
        .into());
    }
    Ok(())
}
