// SPDX-License-Identifier: LGPL-2.1-or-later
//! Who listens to what: any number of listeners share one registration with libvirt.
//!
//! libvirt keeps what it was given for longer than it says. So it gets a number, a
//! *tap*; what is found by it is in a table here, and a tap that is gone finds nothing.
//!
//! A *channel* is what there is one registration of: a topic of a line of connections.
//! Its gate is held while libvirt is asked to begin or end the registration, which may
//! take long; so these follow one another, whoever asks for them. Listeners are added
//! and removed under the table's lock alone: an event finds those that there are, and
//! nobody waits for libvirt to be rid of a listener.
//!
//! A connection that has ended takes no registrations. Where the next one is on its way
//! ([`Registrar::is_coming`]) the listener is in the table all the same, and is registered
//! with all others when that connection is there ([`Hub::move_all`]). None is missed: who
//! adds one looks after its failure whether the connection is still the one in use, under
//! the channel's gate, and a new one is in use before it is moved to.
//!
//! `tests/hub.rs` runs this file under loom, with loom's `sync`.

use std::collections::{BTreeMap, VecDeque};

use super::sync::{Arc, AtomicBool, Leaf, Mutex, Ordering, lock};

/// What a hub is between: libvirt and the library's listeners, but in tests.
pub trait Sides: 'static {
    /// What one can listen to on a connection.
    type Topic: Clone + PartialEq + Send + Sync;
    /// A connection.
    type Link: Clone + PartialEq + Send + Sync;
    /// What one who listens is known by.
    type Role: Send + Sync;
    /// Who listens.
    type Listener: Send + Sync;
    /// What happened.
    type Event: Send;
    /// A registration with libvirt, which ends when it is dropped.
    type Registration: Send;

    /// Tells a listener.
    fn tell(listener: &Self::Listener, event: Self::Event);
    /// The same event, for another listener.
    fn copy(event: &Self::Event) -> Self::Event;
    /// The event, to be told when libvirt is not telling it any more.
    fn keep(event: Self::Event) -> Self::Event;
}

/// Asks libvirt.
pub trait Registrar<S: Sides> {
    /// Why a registration failed.
    type Error;

    /// The connection of the line that is in use.
    fn link(&self) -> S::Link;
    /// Registers: from now on `tap` may be told.
    fn begin(
        &self,
        link: &S::Link,
        topic: &S::Topic,
        tap: usize,
    ) -> Result<S::Registration, Self::Error>;
    /// Whether what failed on `link` failed because that has ended, and another connection
    /// is going to take its place.
    fn is_coming(&self, link: &S::Link, topic: &S::Topic, error: &Self::Error) -> bool;
}

/// What came of adding a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is told what happens.
    Now,
    /// It is told what happens on the next connection.
    Coming,
    /// There is one already that excludes it; it was dropped.
    Excluded,
}

/// Listeners, by the lines of connections that they listen to.
pub struct Hub<S: Sides> {
    table: Leaf<Table<S>>,
}

/// All that a hub knows.
pub struct Table<S: Sides> {
    books: BTreeMap<u64, Book<S>>,
    taps: BTreeMap<usize, (u64, Arc<Channel<S>>)>,
    last_tap: usize,
}

/// What is listened to on one line.
struct Book<S: Sides> {
    channels: Vec<(Arc<Channel<S>>, Entries<S>)>,
    /// What happened on the new connection while nobody was told that there is one.
    held: Option<VecDeque<(usize, S::Event)>>,
}

/// Shared with the events that are being told, so that they need not copy it.
type Entries<S> = Arc<Vec<Arc<Entry<S>>>>;

struct Channel<S: Sides> {
    topic: S::Topic,
    gate: Mutex<Option<Registered<S>>>,
}

struct Registered<S: Sides> {
    link: S::Link,
    tap: usize,
    /// Kept for its end.
    _registration: S::Registration,
}

/// One who listens. Dropped when nothing can tell it any more.
pub struct Entry<S: Sides> {
    /// What it is known by.
    pub role: S::Role,
    listener: S::Listener,
    /// It was removed; an event that is under way does not come any more.
    gone: AtomicBool,
}

impl<S: Sides> Entry<S> {
    /// Tells it.
    pub fn tell(&self, event: S::Event) {
        S::tell(&self.listener, event);
    }
}

impl<S: Sides> Hub<S> {
    /// A hub of a table that nobody is in.
    pub const fn new(table: Leaf<Table<S>>) -> Self {
        Hub { table }
    }

    /// Listens to a topic of a line, unless one that listens there `excludes` it. libvirt
    /// is asked, unless it was for another listener.
    pub fn add<R: Registrar<S>>(
        &'static self,
        registrar: &R,
        (line, topic): (u64, S::Topic),
        (role, listener): (S::Role, S::Listener),
        excludes: impl Fn(&S::Role) -> bool,
    ) -> Result<Added, R::Error> {
        let entry = Arc::new(Entry { role, listener, gone: AtomicBool::new(false) });
        let mut table = self.table.lock();
        if table.entries(line).any(|other| excludes(&other.role)) {
            return Ok(Added::Excluded);
        }
        let (channel, before) = table.add(line, topic, &entry);
        drop(table);
        drop(before);
        self.tap_in(registrar, line, &channel).inspect_err(|_| {
            let removed = self.table.lock().remove(line, |_, other| Arc::ptr_eq(other, &entry));
            drop(removed);
            self.tap_out(line, &channel);
        })
    }

    /// Removes the listeners of a line of which `wanted` says so, and gives them back:
    /// they are told nothing more, but for what is being told at this moment.
    pub fn remove(
        &'static self,
        line: u64,
        wanted: impl Fn(&S::Role) -> bool,
    ) -> Vec<Arc<Entry<S>>> {
        let (entries, tell) = self.take(line, wanted);
        tell();
        entries
    }

    /// The same, with what tells libvirt, which may take as long as the daemon likes.
    pub fn take(
        &'static self,
        line: u64,
        wanted: impl Fn(&S::Role) -> bool,
    ) -> (Vec<Arc<Entry<S>>>, impl FnOnce()) {
        let removed = self.table.lock().remove(line, |_, entry| wanted(&entry.role));
        let (channels, entries): (Vec<_>, Vec<_>) = removed.entries.into_iter().unzip();
        (entries, move || channels.iter().for_each(|channel| self.tap_out(line, channel)))
    }

    /// The lines that somebody listens to.
    pub fn lines(&'static self) -> Vec<u64> {
        self.table.lock().books.keys().copied().collect()
    }

    /// Something happened; `make` says what.
    pub fn deliver(&'static self, tap: usize, make: impl FnOnce(&S::Topic) -> S::Event) {
        let table = self.table.lock();
        let Some((line, channel)) = table.taps.get(&tap).cloned() else {
            return;
        };
        let Some(book) = table.books.get(&line) else {
            return;
        };
        let (entries, is_held) = (book.entries(&channel), book.held.is_some());
        drop(table);
        let mut event = make(&channel.topic);
        if is_held {
            event = S::keep(event);
            let mut table = self.table.lock();
            let book = table.books.get_mut(&line);
            if let Some(held) = book.and_then(|book| book.held.as_mut()) {
                held.push_back((tap, event));
                return;
            }
        }
        tell(&entries, event);
    }

    /// The connection has ended, and libvirt has told so for the last time: gives those
    /// who listened to its end. They are removed, but for those that `stays` says.
    pub fn take_last(
        &'static self,
        tap: usize,
        stays: impl Fn(&S::Role) -> bool,
    ) -> Vec<Arc<Entry<S>>> {
        let Some((line, channel)) = self.table.lock().taps.remove(&tap) else {
            return Vec::new();
        };
        {
            let mut gate = lock(&channel.gate);
            if gate.as_ref().is_some_and(|registered| registered.tap == tap) {
                *gate = None;
            }
        }
        let mut table = self.table.lock();
        let all = table.books.get(&line).map(|book| book.entries(&channel));
        let removed =
            table.remove(line, |of, entry| Arc::ptr_eq(of, &channel) && !stays(&entry.role));
        drop(table);
        drop(removed);
        self.tap_out(line, &channel);
        all.map_or_else(Vec::new, |entries| entries.to_vec())
    }

    /// From now on what happens on the line is held back.
    pub fn hold(&'static self, line: u64) {
        self.table.lock().book(line).held.get_or_insert_default();
    }

    /// Tells what was held back, and from then on what happens.
    pub fn release(&'static self, line: u64) {
        loop {
            let mut table = self.table.lock();
            let Some(held) = table.books.get_mut(&line).and_then(|book| book.held.as_mut()) else {
                return;
            };
            let Some((tap, event)) = held.pop_front() else {
                table.book(line).held = None;
                table.forget_empty(line);
                return;
            };
            let channel = table.taps.get(&tap).map(|(_, channel)| Arc::clone(channel));
            let entries = channel.map(|channel| table.book(line).entries(&channel));
            drop(table);
            if let Some(entries) = entries {
                tell(&entries, event);
            }
        }
    }

    /// Registers on the connection `current` what is registered on an earlier one. What
    /// cannot be registered there, because its object is gone, has nothing to tell
    /// either; when the next connection comes the object may be back.
    pub fn move_all<R: Registrar<S>>(&'static self, registrar: &R, line: u64) {
        let channels = {
            let table = self.table.lock();
            let book = table.books.get(&line).map_or(&[][..], |book| &book.channels);
            book.iter().map(|(channel, _)| Arc::clone(channel)).collect::<Vec<_>>()
        };
        for channel in channels {
            let _ = self.tap_in(registrar, line, &channel);
        }
    }

    /// Registers a channel on the connection that is in use, if that is not done. Who
    /// wanted it may have been removed in between; then there is nothing to do.
    fn tap_in<R: Registrar<S>>(
        &'static self,
        registrar: &R,
        line: u64,
        channel: &Arc<Channel<S>>,
    ) -> Result<Added, R::Error> {
        let mut gate = lock(&channel.gate);
        loop {
            let link = registrar.link();
            if gate.as_ref().is_some_and(|registered| registered.link == link) {
                return Ok(Added::Now);
            }
            // That of an earlier connection, which ends as soon as nothing holds it.
            self.end(gate.take());
            if !self.table.lock().is_wanted(line, channel) {
                return Ok(Added::Now);
            }
            let tap = self.table.lock().add_tap(line, channel);
            match registrar.begin(&link, &channel.topic, tap) {
                Ok(registration) => {
                    *gate = Some(Registered { link, tap, _registration: registration });
                }
                Err(error) => {
                    self.table.lock().taps.remove(&tap);
                    // A connection that was replaced meanwhile is no reason to fail.
                    if registrar.link() != link {
                        continue;
                    }
                    // The gate is held: who moves to the next one comes after this.
                    return match registrar.is_coming(&link, &channel.topic, &error) {
                        true => Ok(Added::Coming),
                        false => Err(error),
                    };
                }
            }
        }
    }

    /// Ends the registration of a channel that nobody listens to any more.
    fn tap_out(&'static self, line: u64, channel: &Arc<Channel<S>>) {
        let mut gate = lock(&channel.gate);
        if !self.table.lock().is_wanted(line, channel) {
            self.end(gate.take());
        }
        drop(gate);
        let mut table = self.table.lock();
        let unused = table.forget_unused(line, channel);
        drop(table);
        drop(unused);
    }

    /// A registration ends, and its tap before it.
    fn end(&'static self, registered: Option<Registered<S>>) {
        if let Some(registered) = registered {
            self.table.lock().taps.remove(&registered.tap);
            drop(registered);
        }
    }
}

/// Tells those who were there when it happened and still are.
fn tell<S: Sides>(entries: &Entries<S>, event: S::Event) {
    let mut here = entries.iter().filter(|entry| !entry.gone.load(Ordering::Acquire)).peekable();
    let mut event = Some(event);
    while let Some(entry) = here.next() {
        // The last one, who mostly is the only one, gets it as it is.
        let next = if here.peek().is_some() { event.as_ref().map(S::copy) } else { event.take() };
        if let Some(event) = next {
            entry.tell(event);
        }
    }
}

/// An entry, and the channel that it was in.
type Member<S> = (Arc<Channel<S>>, Arc<Entry<S>>);

/// What [`Table::remove`] took out. To be dropped without the lock.
struct Removed<S: Sides> {
    entries: Vec<Member<S>>,
    /// The lists that they were in.
    _before: Vec<Entries<S>>,
}

impl<S: Sides> Table<S> {
    /// A table that nobody is in.
    pub const fn new() -> Self {
        Table { books: BTreeMap::new(), taps: BTreeMap::new(), last_tap: 0 }
    }

    fn book(&mut self, line: u64) -> &mut Book<S> {
        self.books.entry(line).or_insert_with(|| Book { channels: Vec::new(), held: None })
    }

    fn entries(&self, line: u64) -> impl Iterator<Item = &Arc<Entry<S>>> {
        let channels = self.books.get(&line).map_or(&[][..], |book| &book.channels);
        channels.iter().flat_map(|(_, entries)| entries.iter())
    }

    /// Gives the channel, and the list that the entry is not in, to be dropped without
    /// the lock.
    fn add(
        &mut self,
        line: u64,
        topic: S::Topic,
        entry: &Arc<Entry<S>>,
    ) -> (Arc<Channel<S>>, Option<Entries<S>>) {
        let channels = &mut self.book(line).channels;
        if let Some((channel, entries)) = channels.iter_mut().find(|(it, _)| it.topic == topic) {
            let with_it = entries.iter().chain([entry]).cloned().collect();
            return (Arc::clone(channel), Some(std::mem::replace(entries, Arc::new(with_it))));
        }
        let channel = Arc::new(Channel { topic, gate: Mutex::new(None) });
        channels.push((Arc::clone(&channel), Arc::new(vec![Arc::clone(entry)])));
        (channel, None)
    }

    fn remove(
        &mut self,
        line: u64,
        wanted: impl Fn(&Arc<Channel<S>>, &Arc<Entry<S>>) -> bool,
    ) -> Removed<S> {
        let mut removed = Removed { entries: Vec::new(), _before: Vec::new() };
        let Some(book) = self.books.get_mut(&line) else {
            return removed;
        };
        for (channel, entries) in &mut book.channels {
            let (gone, stay): (Vec<_>, Vec<_>) =
                entries.iter().cloned().partition(|entry| wanted(channel, entry));
            if gone.is_empty() {
                continue;
            }
            gone.iter().for_each(|entry| entry.gone.store(true, Ordering::Release));
            removed.entries.extend(gone.into_iter().map(|entry| (Arc::clone(channel), entry)));
            removed._before.push(std::mem::replace(entries, Arc::new(stay)));
        }
        removed
    }

    fn is_wanted(&self, line: u64, channel: &Arc<Channel<S>>) -> bool {
        self.books.get(&line).is_some_and(|book| !book.entries(channel).is_empty())
    }

    fn add_tap(&mut self, line: u64, channel: &Arc<Channel<S>>) -> usize {
        self.last_tap += 1;
        self.taps.insert(self.last_tap, (line, Arc::clone(channel)));
        self.last_tap
    }

    /// Forgets a channel that nobody is in. Gives it back, to be dropped without the
    /// lock.
    fn forget_unused(&mut self, line: u64, channel: &Arc<Channel<S>>) -> Option<Arc<Channel<S>>> {
        let channels = &mut self.books.get_mut(&line)?.channels;
        let unused =
            |(it, entries): &(_, Entries<S>)| Arc::ptr_eq(it, channel) && entries.is_empty();
        let place = channels.iter().position(unused)?;
        let (channel, _) = channels.swap_remove(place);
        self.forget_empty(line);
        Some(channel)
    }

    fn forget_empty(&mut self, line: u64) {
        let is_empty = |book: &Book<S>| book.channels.is_empty() && book.held.is_none();
        if self.books.get(&line).is_some_and(is_empty) {
            self.books.remove(&line);
        }
    }
}

impl<S: Sides> Book<S> {
    fn entries(&self, channel: &Arc<Channel<S>>) -> Entries<S> {
        let of = self.channels.iter().find(|(it, _)| Arc::ptr_eq(it, channel));
        of.map_or_else(|| Arc::new(Vec::new()), |(_, entries)| Arc::clone(entries))
    }
}
