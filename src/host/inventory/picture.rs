// SPDX-License-Identifier: LGPL-2.1-or-later
//! The picture that an inventory has of its hosts: all rows under one lock, which nobody keeps
//! while a host is asked. Each change has a number, the generation of the picture after it.
//!
//! Rows are shared: a snapshot takes references under the lock, and makes its values without.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::change::{Change, What};
use super::filter::{Condition, Filter, Of};
use super::host_rows::{HostRows, Said, State};
use super::metrics::Known;
use super::row::{Key, Kind, Row};
use super::tickets::{Awaited, Begun, Ticket};
use crate::calls;
use crate::core::sigpipe;
use crate::error::{Error, Misuse, Result};
use crate::event::{EventQueue, News, Teller};
use crate::fork::lock;
use crate::value::{Map, Value};

/// What is known of all hosts.
pub struct Picture {
    inner: Mutex<Inner>,
    told: Condvar,
}

struct Inner {
    /// The number of the last change.
    generation: u64,
    hosts: Vec<HostRows>,
    watchers: Vec<Watcher>,
    /// How many threads wait for a change.
    waiting: usize,
    /// The inventory is closed.
    is_over: bool,
}

struct Watcher {
    teller: Teller,
    tag: u64,
}

/// What is reported of a host that is there.
pub struct Report {
    /// The name that it gives itself.
    pub name: Option<Arc<str>>,
    /// What could not be asked of it.
    pub error: Option<Error>,
    /// Whether its events arrive.
    pub hears: bool,
}

/// A row that was found, and the place of its host.
pub struct Found {
    /// The place of its host.
    pub host: usize,
    /// The row.
    pub row: Arc<Row>,
}

impl Picture {
    /// Nothing is known of these hosts.
    pub fn new(uris: impl Iterator<Item = Arc<str>>) -> Self {
        let hosts = uris.map(HostRows::new);
        let inner = Inner {
            generation: 0,
            hosts: hosts.collect(),
            watchers: Vec::new(),
            waiting: 0,
            is_over: false,
        };
        Picture { inner: Mutex::new(inner), told: Condvar::new() }
    }

    /// Nothing changes any more, and nobody waits.
    pub fn end(&self) {
        let mut inner = lock(&self.inner);
        inner.is_over = true;
        let watchers = std::mem::take(&mut inner.watchers);
        drop(inner);
        drop(watchers);
        self.told.notify_all();
    }

    // --- what hosts say --------------------------------------------------------------------

    /// Takes over what a host has said, unless it was given up meanwhile. Gives the domains
    /// whose documents are not known, where all were listed.
    pub fn take(&self, host: usize, said: Said, is_wanted: impl Fn() -> bool) -> Vec<Uuid> {
        let mut inner = lock(&self.inner);
        if inner.is_over || !is_wanted() {
            return Vec::new();
        }
        let (changed, unknown) = inner.hosts[host].take(said);
        inner.tell(changed.into_iter().map(What::Row));
        self.wake(&inner);
        unknown
    }

    /// What was waited for begins.
    pub fn begin(&self, host: usize, begun: Begun, is_wanted: impl Fn() -> bool) {
        let mut inner = lock(&self.inner);
        if is_wanted() {
            inner.hosts[host].tickets.begin(begun);
        }
    }

    /// A host is reachable.
    pub fn up(&self, host: usize, report: Report, is_wanted: impl Fn() -> bool) {
        let mut inner = lock(&self.inner);
        if !is_wanted() {
            return;
        }
        let rows = &mut inner.hosts[host];
        rows.hears = report.hears;
        if report.name.is_some() {
            rows.name = report.name;
        }
        let error = report.error.map(|error| Arc::new(Value::from(&error)));
        inner.set_state(host, State::Up, error);
        self.wake(&inner);
    }

    /// There is nothing more to ask of a host for now.
    pub fn settled(&self, host: usize) {
        let mut inner = lock(&self.inner);
        inner.hosts[host].tickets.settle();
        self.wake(&inner);
    }

    /// So many domains have yet to be asked for their documents.
    pub fn set_pending(&self, host: usize, pending: usize, is_wanted: impl Fn() -> bool) {
        let mut inner = lock(&self.inner);
        if is_wanted() {
            inner.hosts[host].pending = pending;
        }
    }

    /// A host does not answer, for this reason.
    pub fn down(&self, host: usize, error: &Error) {
        let mut inner = lock(&self.inner);
        let rows = &mut inner.hosts[host];
        rows.tickets.fail();
        rows.hears = false;
        rows.pending = 0;
        // Further attempts fail in other ways, which are not told again.
        let error = Some(Arc::new(Value::from(error)));
        if rows.state == State::Down {
            rows.error = error;
        } else {
            inner.set_state(host, State::Down, error);
        }
        self.wake(&inner);
    }

    // --- what the program asks ---------------------------------------------------------------

    /// All rows that pass the filter: see `vkvm_inventory_get_snapshot`.
    pub fn snapshot(&self, filter: &Filter) -> Result<Value> {
        let chosen = lock(&self.inner).open()?.choose(filter);
        Ok(chosen.show(filter))
    }

    /// The row of a kind with this uuid or name: on a host, or on whichever has it.
    pub fn find(&self, kind: Kind, host: Option<&str>, name: &str) -> Result<Found> {
        let key = Uuid::try_parse(name).ok().map(Key::Uuid);
        let inner = lock(&self.inner);
        let inner = inner.open()?;
        let mut found: Vec<Found> = Vec::new();
        let (mut is_known, mut unfilled) = (false, Vec::new());
        for (place, of) in inner.hosts.iter().enumerate() {
            if host.is_some_and(|host| !of.is_called(host)) {
                continue;
            }
            is_known = true;
            if of.compared[kind as usize].is_none() {
                unfilled.push(&of.uri);
            }
            let table = &of.tables[kind as usize];
            let by_key = key.as_ref().and_then(|key| table.get(key)).filter(|_| kind != Kind::Node);
            let text = || table.get(&Key::Text(name.into()));
            let rows = match by_key.or_else(text) {
                Some(row) => std::slice::from_ref(row),
                None => table.named(name),
            };
            found.extend(rows.iter().map(|row| Found { host: place, row: Arc::clone(row) }));
        }
        if let Some(host) = host.filter(|_| !is_known) {
            return Err(no_host(host));
        }
        match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(one),
            (None, _) => {
                let mut hint = format!(" among the {}s of the inventory", kind.name());
                match unfilled[..] {
                    [] => {}
                    [one] => hint += &format!("; {one} is not filled in yet"),
                    [first, ..] => {
                        let more = unfilled.len();
                        hint += &format!("; {more} hosts are not filled in yet, such as {first}");
                    }
                }
                Err(Misuse::NotFound { parameter: "name", path: name.to_owned(), hint }.into())
            }
            (Some(last), more) => {
                let first = &inner.hosts[found[0].host].uri;
                let reason = match found[0].host == last.host {
                    true => {
                        format!("\"{name}\" is there {} times on {first}; use its key", more + 1)
                    }
                    false => format!(
                        "\"{name}\" is on {} hosts, such as {first} and {}; give host as well",
                        more + 1,
                        inner.hosts[last.host].uri
                    ),
                };
                Err(Misuse::Invalid { parameter: "name", reason }.into())
            }
        }
    }

    /// A row as the program gets it.
    pub fn show(&self, found: &Found, filter: &Filter) -> Value {
        let of = lock(&self.inner).hosts[found.host].of();
        filter.show(&found.row, &of, Instant::now())
    }

    /// The hosts: see `vkvm_inventory_get_hosts`.
    pub fn hosts(&self, kinds: &[Kind]) -> Result<Value> {
        let inner = lock(&self.inner);
        let now = Instant::now();
        let describe = |host: &HostRows| host.describe(kinds, now);
        Ok(Value::List(inner.open()?.hosts.iter().map(describe).collect()))
    }

    /// All that is known, host by host.
    pub fn known(&self, kinds: &[Kind]) -> Result<Vec<Known>> {
        let inner = lock(&self.inner);
        Ok(inner.open()?.hosts.iter().map(|host| host.known(kinds)).collect())
    }

    /// Which places a host has that is called so, or all places.
    pub fn places(&self, host: Option<&str>) -> Result<Vec<usize>> {
        let inner = lock(&self.inner);
        let is_it = |of: &HostRows| host.is_none_or(|host| of.is_called(host));
        let all = inner.open()?.hosts.iter().enumerate().filter(|(_, of)| is_it(of));
        let places: Vec<usize> = all.map(|(place, _)| place).collect();
        match (places.is_empty(), host) {
            (true, Some(host)) => Err(no_host(host)),
            _ => Ok(places),
        }
    }

    // --- waiting -----------------------------------------------------------------------------

    /// Waits until rows are as the condition says. Gives them.
    pub fn wait(self: &Arc<Self>, condition: &Condition, timeout: Duration) -> Result<Value> {
        let filter = &condition.filter;
        let chosen = self.wait_for("the condition was not met", Some(timeout), |inner| {
            let chosen = inner.choose(filter);
            let is_met = match condition.count {
                Some(count) => chosen.rows.len() as u64 >= count,
                None => chosen.rows.is_empty() && chosen.are_all_up && inner.knows_hosts(filter),
            };
            is_met.then_some(chosen)
        })?;
        Ok(chosen.show(filter))
    }

    /// Waits until each host is there, or was found not to be. Whether they all are.
    pub fn wait_for_hosts(self: &Arc<Self>, timeout: Duration) -> Result<()> {
        self.wait_for("the hosts were not opened", Some(timeout), |inner| {
            inner.hosts.iter().all(|host| host.state != State::Connecting).then_some(())
        })
    }

    /// From now on who has the tickets can wait for what begins later.
    pub fn tickets(&self, hosts: &[usize], awaited: Awaited) -> Vec<(usize, u64)> {
        let mut inner = lock(&self.inner);
        hosts.iter().map(|host| (*host, inner.hosts[*host].tickets.take(awaited))).collect()
    }

    /// Waits until these are over. Gives the hosts where all went well, and the error of the first
    /// one that failed.
    pub fn wait_for_tickets(
        self: &Arc<Self>,
        tickets: &[(usize, u64)],
        awaited: Awaited,
        timeout: Duration,
    ) -> Result<(Vec<usize>, Option<Arc<Value>>)> {
        self.wait_for("the inventory was not refreshed", Some(timeout), |inner| {
            let (mut well, mut error) = (Vec::new(), None);
            for (place, ticket) in tickets {
                let host = &inner.hosts[*place];
                match host.tickets.state(awaited, *ticket) {
                    Ticket::Open => return None,
                    Ticket::Done => well.push(*place),
                    Ticket::Failed => error = error.or_else(|| Some(host.error.clone())),
                }
            }
            Some((well, error.flatten()))
        })
    }

    fn wait_for<T>(
        self: &Arc<Self>,
        what: &'static str,
        timeout: Option<Duration>,
        mut look: impl FnMut(&Inner) -> Option<T>,
    ) -> Result<T> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // A call that is given up does not keep its thread.
        let picture = Arc::downgrade(self);
        calls::when_abandoned(move || {
            if let Some(picture) = picture.upgrade() {
                let inner = lock(&picture.inner);
                picture.wake(&inner);
            }
        });
        let mut inner = lock(&self.inner);
        inner.waiting += 1;
        let result = loop {
            if let Err(error) = inner.open() {
                break Err(error);
            }
            if let Some(found) = look(&inner) {
                break Ok(found);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) || !calls::is_wanted() {
                let ms = timeout.unwrap_or_default().as_millis() as u64;
                break Err(Misuse::Deadline { what: what.to_owned(), ms }.into());
            }
            inner = self.sleep(inner, left.unwrap_or(Duration::from_secs(3600)));
        };
        inner.waiting -= 1;
        result
    }

    /// A fork does not wait for who sleeps, and who wakes up may have to wait for a fork: not
    /// with the lock.
    fn sleep<'p>(&'p self, inner: MutexGuard<'p, Inner>, left: Duration) -> MutexGuard<'p, Inner> {
        sigpipe::outside(|| {
            drop(self.told.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner));
        });
        lock(&self.inner)
    }

    fn wake(&self, inner: &Inner) {
        if inner.waiting > 0 {
            self.told.notify_all();
        }
    }

    // --- watching ----------------------------------------------------------------------------

    /// From now on each change becomes an entry of the queue.
    pub fn watch(&self, queue: &EventQueue, tag: u64) -> Result<()> {
        let mut inner = lock(&self.inner);
        inner.open()?;
        inner.watchers.retain(|watcher| watcher.teller.is_there());
        if inner.watchers.iter().any(|watcher| watcher.teller.is_of(queue)) {
            let reason = "watches this inventory already; unwatch it first".to_owned();
            return Err(Misuse::Invalid { parameter: "queue", reason }.into());
        }
        inner.watchers.push(Watcher { teller: queue.teller(), tag });
        Ok(())
    }

    /// From now on none does.
    pub fn unwatch(&self, queue: &EventQueue) -> Result<()> {
        let mut inner = lock(&self.inner);
        let place = inner.watchers.iter().position(|watcher| watcher.teller.is_of(queue));
        let watcher = place.map(|place| inner.watchers.swap_remove(place));
        drop(inner);
        if watcher.is_some() {
            return Ok(());
        }
        let reason = "does not watch this inventory".to_owned();
        Err(Misuse::Invalid { parameter: "queue", reason }.into())
    }
}

/// The error for a host that there is not.
fn no_host(host: &str) -> Error {
    let hint = "; vkvm_inventory_get_hosts lists the hosts".to_owned();
    Misuse::NotFound { parameter: "host", path: host.to_owned(), hint }.into()
}

/// Rows that were chosen at one generation.
struct Chosen {
    generation: u64,
    rows: Vec<(Arc<Row>, usize)>,
    hosts: Vec<Of>,
    /// Whether all hosts that were looked at are up.
    are_all_up: bool,
}

impl Chosen {
    fn show(mut self, filter: &Filter) -> Value {
        let now = Instant::now();
        filter.sort(&mut self.rows, &self.hosts, now);
        let show = |(row, of): &(Arc<Row>, usize)| filter.show(row, &self.hosts[*of], now);
        let mut map = Map::with_capacity(2);
        map.push_new("generation", self.generation);
        map.push_new("rows", Value::List(self.rows.iter().map(show).collect()));
        Value::Map(map)
    }
}

impl Inner {
    fn open(&self) -> Result<&Self> {
        match self.is_over {
            false => Ok(self),
            true => Err(Misuse::Stale { parameter: "inventory", class: "inventory" }.into()),
        }
    }

    fn choose(&self, filter: &Filter) -> Chosen {
        let mut chosen = Chosen {
            generation: self.generation,
            rows: Vec::new(),
            hosts: self.hosts.iter().map(HostRows::of).collect(),
            are_all_up: true,
        };
        for (place, host) in self.hosts.iter().enumerate() {
            let is_wanted = |names: &[String]| names.iter().any(|name| host.is_called(name));
            if !filter.hosts().is_none_or(is_wanted) {
                continue;
            }
            chosen.are_all_up &= host.state == State::Up;
            for kind in filter.kinds() {
                let rows = host.tables[*kind as usize].rows();
                let wanted = rows.iter().filter(|row| filter.wants(row));
                chosen.rows.extend(wanted.map(|row| (Arc::clone(row), place)));
            }
        }
        chosen
    }

    /// Whether there is a host for each name of the filter. The own name of one that has not
    /// been up is not known.
    fn knows_hosts(&self, filter: &Filter) -> bool {
        let is_known = |name: &String| self.hosts.iter().any(|host| host.is_called(name));
        filter.hosts().is_none_or(|names| names.iter().all(is_known))
    }

    fn set_state(&mut self, host: usize, state: State, error: Option<Arc<Value>>) {
        let rows = &mut self.hosts[host];
        let before = (rows.state.name(), rows.error.clone());
        let is_the_same = rows.state == state && before.1 == error;
        rows.state = state;
        rows.error = error.clone();
        let (uri, name) = (Arc::clone(&rows.uri), rows.name.clone());
        if !is_the_same {
            self.tell(std::iter::once(What::Host {
                uri,
                name,
                before,
                after: (state.name(), error),
            }));
        }
    }

    /// Counts changes and tells them to who watches.
    fn tell(&mut self, changes: impl Iterator<Item = What>) {
        let mut is_any_gone = false;
        for what in changes {
            self.generation += 1;
            if self.watchers.is_empty() {
                continue;
            }
            let change: Arc<dyn News> = Arc::new(Change { generation: self.generation, what });
            for watcher in &self.watchers {
                is_any_gone |= !watcher.teller.tell("inventory", watcher.tag, &change);
            }
        }
        if is_any_gone {
            self.watchers.retain(|watcher| watcher.teller.is_there());
        }
    }
}
