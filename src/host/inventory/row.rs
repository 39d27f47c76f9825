// SPDX-License-Identifier: LGPL-2.1-or-later
//! What an inventory knows of an object: a row, of as many cells as its kind has columns.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::names;
use crate::value::{Map, Value};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Node,
    Domain,
    Network,
    Pool,
    Volume,
}

/// How many kinds there are.
pub const KINDS: usize = 5;

/// The columns of domains.
pub mod domain {
    #![allow(missing_docs, reason = "the names are those of the columns")]
    pub const ID: usize = 0;
    pub const STATE: usize = 1;
    pub const REASON: usize = 2;
    pub const PERSISTENT: usize = 3;
    pub const AUTOSTART: usize = 4;
    pub const TITLE: usize = 5;
    pub const DESCRIPTION: usize = 6;
    pub const VCPUS: usize = 7;
    pub const MEMORY: usize = 8;
    pub const MAX_MEMORY: usize = 9;
    pub const MANAGED_SAVE: usize = 10;
    pub const HAS_SNAPSHOTS: usize = 11;
    pub const OS_TYPE: usize = 12;
    pub const COUNT: usize = 13;
}

const DOMAIN: [&str; domain::COUNT] = [
    "id",
    "state",
    "reason",
    "persistent",
    "autostart",
    "title",
    "description",
    "vcpus",
    "memory",
    "max_memory",
    "managed_save",
    "has_snapshots",
    "os_type",
];
const NETWORK: [&str; 3] = ["state", "persistent", "autostart"];
const POOL: [&str; 6] = ["state", "persistent", "autostart", "capacity", "allocation", "available"];
const VOLUME: [&str; 6] = ["pool", "key", "path", "type", "capacity", "allocation"];
const NODE: [&str; 10] = [
    "driver",
    "version",
    "library_version",
    "model",
    "memory",
    "cpus",
    "nodes",
    "sockets",
    "cores",
    "threads",
];

impl Kind {
    /// All kinds, in the order of snapshots.
    pub const ALL: [Kind; KINDS] =
        [Kind::Node, Kind::Domain, Kind::Network, Kind::Pool, Kind::Volume];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Node => "node",
            Kind::Domain => "domain",
            Kind::Network => "network",
            Kind::Pool => "pool",
            Kind::Volume => "volume",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The names of its own columns.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Kind::Node => &NODE,
            Kind::Domain => &DOMAIN,
            Kind::Network => &NETWORK,
            Kind::Pool => &POOL,
            Kind::Volume => &VOLUME,
        }
    }

    /// The place of its state among its columns, if it has one.
    pub fn state(self) -> Option<usize> {
        self.columns().iter().position(|name| *name == "state")
    }
}

/// Where a value of a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the keys")]
pub enum Column {
    Host,
    Kind,
    Name,
    Uuid,
    Own(usize),
    Age,
    Stale,
}

impl Column {
    /// What all rows begin with, and end with.
    const COMMON: [(&'static str, Column); 6] = [
        ("host", Column::Host),
        ("kind", Column::Kind),
        ("name", Column::Name),
        ("uuid", Column::Uuid),
        ("age", Column::Age),
        ("stale", Column::Stale),
    ];

    /// The column of a kind that has this name.
    pub fn find(kind: Kind, name: &str) -> Option<(&'static str, Column)> {
        let common = Column::COMMON.into_iter().find(|(known, _)| *known == name);
        common.or_else(|| {
            let place = kind.columns().iter().position(|known| *known == name)?;
            Some((kind.columns()[place], Column::Own(place)))
        })
    }

    /// All columns of a kind, in their order.
    pub fn all(kind: Kind) -> Vec<(&'static str, Column)> {
        let own = kind.columns().iter().enumerate().map(|(i, name)| (*name, Column::Own(i)));
        let (first, last) = Column::COMMON.split_at(4);
        first.iter().copied().chain(own).chain(last.iter().copied()).collect()
    }
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// It is not known, or there is none.
    None,
    /// It was not asked for: what was known before stays.
    Keep,
    /// True or false.
    Bool(bool),
    /// A number with a sign.
    Int(i64),
    /// A size or count.
    Uint(u64),
    /// A number that has a name.
    Named(&'static str, i32),
    /// Text.
    Text(Arc<str>),
}

impl Cell {
    /// Text.
    pub fn text(text: &str) -> Self {
        Cell::Text(text.into())
    }

    /// The state of a domain.
    pub fn domain_state(state: i32) -> Self {
        Cell::Named(names::DOMAIN_STATES.get(state), state)
    }

    /// Why it is in that state.
    pub fn reason(state: i32, reason: i32) -> Self {
        Cell::Named(names::reason(state, reason), reason)
    }

    /// The state of a pool.
    pub fn pool_state(state: i32) -> Self {
        Cell::Named(names::POOL_STATES.get(state), state)
    }

    /// The type of a volume.
    pub fn volume_type(kind: i32) -> Self {
        Cell::Named(names::VOLUME_TYPES.get(kind), kind)
    }

    /// Whether something runs that has no other states.
    pub fn active(is_active: bool) -> Self {
        match is_active {
            true => Cell::Named(names::ACTIVE, 1),
            false => Cell::Named(names::INACTIVE, 0),
        }
    }

    /// As the program gets it: with `raw`, numbers have no names.
    pub fn value(&self, raw: bool) -> Value {
        match self {
            Cell::None | Cell::Keep => Value::Null,
            Cell::Bool(truth) => Value::Bool(*truth),
            Cell::Int(number) => Value::Int(*number),
            Cell::Uint(number) => Value::Uint(*number),
            Cell::Named(_, number) if raw => Value::Int(i64::from(*number)),
            Cell::Named(name, _) => Value::String((*name).to_owned()),
            Cell::Text(text) => Value::String(text.as_ref().to_owned()),
        }
    }

    /// As rows are sorted: what is not known comes last.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
            (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
            (Cell::Uint(a), Cell::Uint(b)) => a.cmp(b),
            (Cell::Named(a, _), Cell::Named(b, _)) => a.cmp(b),
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Cell::Bool(_) => 0,
            Cell::Int(_) => 1,
            Cell::Uint(_) => 2,
            Cell::Named(..) => 3,
            Cell::Text(_) => 4,
            Cell::None | Cell::Keep => 5,
        }
    }
}

/// What an object of a host is known by, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Most have a uuid; the host itself has none here, and there is one.
    Uuid(Uuid),
    /// Volumes have a key.
    Text(Arc<str>),
}

/// An object of a host.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// The URI of its host.
    pub host: Arc<str>,
    /// What it is known by.
    pub key: Key,
    /// What it is called.
    pub name: Arc<str>,
    /// Its own columns.
    pub cells: Box<[Cell]>,
    /// When its host was asked for it by itself.
    pub asked: Instant,
}

impl Row {
    /// Its uuid, if it has one.
    pub fn uuid(&self) -> Option<Uuid> {
        match (&self.key, self.kind) {
            (_, Kind::Node) | (Key::Text(_), _) => None,
            (Key::Uuid(uuid), _) => Some(*uuid),
        }
    }

    /// The same as a value.
    pub fn uuid_value(&self) -> Value {
        self.uuid().map_or(Value::Null, |uuid| {
            let mut text = [0; Hyphenated::LENGTH];
            Value::String(uuid.hyphenated().encode_lower(&mut text).to_owned())
        })
    }

    /// The value of one of its own columns.
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        let place = self.kind.columns().iter().position(|known| *known == name)?;
        self.cells.get(place)
    }

    /// Its volume key, if it is a volume.
    pub fn key_value(&self) -> Value {
        match &self.key {
            Key::Text(key) => Value::String(key.as_ref().to_owned()),
            Key::Uuid(_) => Value::Null,
        }
    }

    /// What is known of it now where `self` is what its host has just said.
    pub fn merge(&mut self, before: Option<&Row>) {
        for (place, cell) in self.cells.iter_mut().enumerate() {
            if *cell == Cell::Keep {
                *cell = before.map_or(Cell::None, |before| before.cells[place].clone());
            }
        }
    }

    /// Whether that is what was known before.
    pub fn says_the_same(&self, before: &Row) -> bool {
        self.name == before.name && self.cells == before.cells
    }

    /// The fields that differ from another state of the object, with their values here.
    pub fn differing(&self, other: &Row) -> Map {
        let mut map = Map::new();
        if self.name != other.name {
            map.push_new("name", &*self.name);
        }
        let columns = self.kind.columns().iter();
        for ((name, cell), others) in columns.zip(&self.cells).zip(&other.cells) {
            if cell != others {
                map.push_new(*name, cell.value(false));
            }
        }
        map
    }

    /// What it is and all that is known of it, but its age.
    pub fn whole(&self) -> Map {
        let columns = self.kind.columns();
        let mut map = Map::with_capacity(columns.len() + 4);
        map.push_new("host", &*self.host);
        map.push_new("kind", self.kind.name());
        map.push_new("name", &*self.name);
        map.push_new("uuid", self.uuid_value());
        for (name, cell) in columns.iter().zip(&self.cells) {
            map.push_new(*name, cell.value(false));
        }
        map
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A domain of a host "h" with this name, uuid and state.
    pub fn a_domain(name: &str, number: u128, state: i32) -> Row {
        let mut cells = vec![Cell::None; domain::COUNT];
        cells[domain::STATE] = Cell::domain_state(state);
        Row {
            kind: Kind::Domain,
            host: "h".into(),
            key: Key::Uuid(Uuid::from_u128(number)),
            name: name.into(),
            cells: cells.into(),
            asked: Instant::now(),
        }
    }

    #[test]
    fn each_kind_has_its_columns() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            let all = Column::all(kind);
            assert_eq!(all.len(), kind.columns().len() + 6);
            for (name, column) in all {
                assert_eq!(Column::find(kind, name), Some((name, column)));
            }
        }
        assert_eq!(DOMAIN[domain::STATE], "state");
        assert_eq!(DOMAIN[domain::OS_TYPE], "os_type");
        assert_eq!(Column::find(Kind::Network, "vcpus"), None);
    }

    #[test]
    fn what_was_not_asked_for_stays() {
        let mut before = a_domain("a", 1, 1);
        before.cells[domain::TITLE] = Cell::text("web");
        let mut now = a_domain("a", 1, 3);
        now.cells[domain::TITLE] = Cell::Keep;
        now.cells[domain::OS_TYPE] = Cell::Keep;
        now.merge(Some(&before));
        assert_eq!(now.cells[domain::TITLE], Cell::text("web"));
        assert_eq!(now.cells[domain::OS_TYPE], Cell::None);
        assert!(!now.says_the_same(&before));
        let changed = now.differing(&before);
        assert_eq!(changed.len(), 1);
        assert_eq!(changed.get("state"), Some(&"paused".into()));
    }

    #[test]
    fn what_is_not_known_is_sorted_last() {
        assert_eq!(Cell::Int(-1).order(&Cell::Int(3)), Ordering::Less);
        assert_eq!(Cell::None.order(&Cell::text("z")), Ordering::Greater);
        assert_eq!(Cell::text("a").order(&Cell::text("b")), Ordering::Less);
    }
}
