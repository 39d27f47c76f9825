// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a picture has of one host: its state, and its rows.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::details::Details;
use super::filter::Of;
use super::metrics::Known;
use super::row::{Cell, KINDS, Key, Kind, Row, domain};
use super::table::{Changed, Table};
use super::tickets::Tickets;
use crate::value::{Map, Value};

/// How a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not been asked for everything yet.
    Connecting,
    /// Its rows are current.
    Up,
    /// Its rows are what was known last.
    Down,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            State::Connecting => "connecting",
            State::Up => "up",
            State::Down => "down",
        }
    }
}

/// What is known of a host.
pub struct HostRows {
    /// Its URI.
    pub uri: Arc<str>,
    /// The name that it gives itself.
    pub name: Option<Arc<str>>,
    /// How it is.
    pub state: State,
    /// Why it is down, or what could not be asked of it.
    pub error: Option<Arc<Value>>,
    /// Whether its events arrive.
    pub hears: bool,
    /// How many domains have yet to be asked for their documents.
    pub pending: usize,
    /// Its rows, by kind.
    pub tables: [Table; KINDS],
    /// When all rows of a kind were compared.
    pub compared: [Option<Instant>; KINDS],
    /// Who waits for something of it.
    pub tickets: Tickets,
}

/// What a host has said.
pub enum Said {
    /// All that there are of a kind.
    All(Kind, Vec<Row>),
    /// What some are now; None for one that is gone.
    Some(Vec<(Kind, Key, Option<Row>)>),
    /// What the documents of some domains say; also of sizes where that is true.
    Details(Vec<(Uuid, Details)>, bool),
}

impl HostRows {
    /// Nothing is known of it.
    pub fn new(uri: Arc<str>) -> Self {
        HostRows {
            uri,
            name: None,
            state: State::Connecting,
            error: None,
            hears: false,
            pending: 0,
            tables: Default::default(),
            compared: [None; KINDS],
            tickets: Default::default(),
        }
    }

    /// Takes over what it has said. Gives what has changed, and the domains whose documents are
    /// not known, where all were listed.
    pub fn take(&mut self, said: Said) -> (Vec<Changed>, Vec<Uuid>) {
        let mut unknown = Vec::new();
        let changed = match said {
            Said::All(kind, all) => {
                self.compared[kind as usize] = Some(Instant::now());
                let changed = self.tables[kind as usize].replace(all);
                if kind == Kind::Domain {
                    unknown = self.without_details();
                }
                changed
            }
            Said::Some(some) => {
                let mut changed = Vec::new();
                for (kind, key, row) in some {
                    let table = &mut self.tables[kind as usize];
                    changed.extend(match row {
                        Some(row) => table.put(row),
                        None => table.remove(&key),
                    });
                }
                changed
            }
            Said::Details(some, with_sizes) => {
                let table = &mut self.tables[Kind::Domain as usize];
                some.into_iter()
                    .filter_map(|(uuid, details)| {
                        let before = table.get(&Key::Uuid(uuid))?;
                        let mut row = Row::clone(before);
                        details.put(&mut row.cells, with_sizes);
                        table.put(row)
                    })
                    .collect()
            }
        };
        (changed, unknown)
    }

    /// As the program gets it: see `vkvm_inventory_get_hosts`.
    pub fn describe(&self, kinds: &[Kind], now: Instant) -> Value {
        let mut map = Map::with_capacity(8);
        map.push_new("uri", &*self.uri);
        map.push_new("host", self.name.as_deref());
        map.push_new("state", self.state.name());
        map.push_new("error", self.error.as_deref().cloned().unwrap_or(Value::Null));
        let age =
            self.compared(kinds).map(|then| now.saturating_duration_since(then).as_millis() as u64);
        map.push_new("age", age);
        map.push_new("events", self.hears);
        map.push_new("pending", self.pending as u64);
        let mut counts = Map::with_capacity(kinds.len());
        for kind in kinds {
            counts.push_new(kind.name(), self.tables[*kind as usize].rows().len() as u64);
        }
        map.push_new("counts", counts);
        Value::Map(map)
    }

    /// What metrics are made of.
    pub fn known(&self, kinds: &[Kind]) -> Known {
        Known {
            uri: Arc::clone(&self.uri),
            name: self.name.clone(),
            is_up: self.state == State::Up,
            compared: self.compared(kinds),
            rows: kinds
                .iter()
                .flat_map(|kind| self.tables[*kind as usize].rows())
                .cloned()
                .collect(),
        }
    }

    /// Whether this is its URI, or the name that it gives itself.
    pub fn is_called(&self, name: &str) -> bool {
        *name == *self.uri || self.name.as_deref() == Some(name)
    }

    /// Since when all rows of these kinds were compared.
    pub fn compared(&self, kinds: &[Kind]) -> Option<Instant> {
        kinds.iter().filter_map(|kind| self.compared[*kind as usize]).min()
    }

    /// What rows are shown with.
    pub fn of(&self) -> Of {
        Of { stale: self.state != State::Up, compared: self.compared }
    }

    /// The domains whose documents are not known.
    fn without_details(&self) -> Vec<Uuid> {
        let rows = self.tables[Kind::Domain as usize].rows().iter();
        rows.filter(|row| row.cells[domain::TITLE] == Cell::None)
            .filter_map(|row| row.uuid())
            .collect()
    }
}
