// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the loop looks after: watches and timers, and who runs it.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use virt::sys;

use super::super::sync::this_thread;
use crate::fork::{self, Leaf};

pub(super) static LOOP: Leaf<Table> = Leaf::of_process(Table::new(), Table::inherit);

/// Called when a descriptor is ready: watch, descriptor, events.
pub(super) type OnReady = Arc<dyn Fn(c_int, c_int, c_int) + Send + Sync>;

/// Called when a timer fires.
pub(super) type OnTime = Arc<dyn Fn(c_int) + Send + Sync>;

/// Who added something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// The program, or the library for itself: a child of fork has it, too.
    Program,
    /// libvirt, for a connection: a child must leave the parent's sockets alone.
    Libvirt,
}

/// A watch or timer.
struct Entry<Kind, Call> {
    kind: Kind,
    call: Call,
    /// The process that it is for; none for all.
    process: Option<u32>,
    /// Removed. It stays until the loop lets go of it.
    removed: bool,
    /// How many calls of it run; more than one never do, but in the child of a
    /// thread that forked in a callback.
    running: u32,
}

struct Watch {
    fd: c_int,
    events: c_int,
    /// The descriptor was found closed. It is not asked again until the watch is
    /// updated, because it would answer at once each time.
    closed: bool,
    /// libvirt still opens the connection: see [`Table::add_watch_of_libvirt`].
    held: bool,
}

struct Timer {
    frequency: c_int,
    /// When it fires next; none for never.
    due: Option<Instant>,
}

type Watches = BTreeMap<c_int, Entry<Watch, OnReady>>;
type Timers = BTreeMap<c_int, Entry<Timer, OnTime>>;

pub(super) struct Table {
    /// The process that all this is about.
    generation: u32,
    watches: Watches,
    timers: Timers,
    last_watch: c_int,
    last_timer: c_int,
    /// The entries that are removed and still there.
    removed_watches: Vec<c_int>,
    removed_timers: Vec<c_int>,
    /// The thread that runs a turn, how many turns within each other, and how many
    /// there have been.
    owner: Option<usize>,
    depth: u32,
    turns: u64,
    /// When the last one ended, or when the loop was installed in this process.
    last_turn: Option<Instant>,
    /// How many threads wait for the end of a turn.
    waiting: u32,
    /// Whether that thread sleeps, and whether it was woken up.
    sleeping: bool,
    woken: bool,
    /// Whether the next sleep is to end at once.
    restless: bool,
    waker: Option<OwnedFd>,
}

/// What poll is asked for and answers.
pub(super) struct Asked {
    /// The watches, each with the place of its descriptor.
    watches: Vec<(c_int, usize)>,
    /// Each descriptor once, for poll takes no more than a process may have open.
    pub(super) fds: Vec<PollFd<'static>>,
    /// The place of the waker.
    waker: Option<usize>,
    /// When to stop asking; none for never.
    pub(super) until: Option<Instant>,
}

fn poll_fd(fd: c_int, events: PollFlags) -> PollFd<'static> {
    // SAFETY: no negative number is let in. The descriptor may be closed, or another one by
    // now; poll says so, and nothing else is done with it.
    PollFd::from_borrowed_fd(unsafe { BorrowedFd::borrow_raw(fd) }, events)
}

/// What was removed, to be dropped under no lock: it tells its makers.
#[derive(Default)]
pub(super) struct Ended {
    watches: Vec<OnReady>,
    timers: Vec<OnTime>,
}

impl Ended {
    pub(super) fn drop_each(self, mut shield: impl FnMut(Box<dyn FnOnce()>)) {
        self.watches.into_iter().for_each(|watch| shield(Box::new(move || drop(watch))));
        self.timers.into_iter().for_each(|timer| shield(Box::new(move || drop(timer))));
    }
}

impl Table {
    const fn new() -> Self {
        Table {
            generation: 0,
            watches: BTreeMap::new(),
            timers: BTreeMap::new(),
            last_watch: 0,
            last_timer: 0,
            removed_watches: Vec::new(),
            removed_timers: Vec::new(),
            owner: None,
            depth: 0,
            turns: 0,
            last_turn: None,
            waiting: 0,
            sleeping: false,
            woken: false,
            restless: false,
            waker: None,
        }
    }

    /// In a child of fork no other thread runs anything, and the descriptor that wakes the loop
    /// is the parent's.
    fn inherit(&mut self) {
        self.generation = fork::generation();
        if self.owner != Some(this_thread()) {
            self.owner = None;
            self.depth = 0;
            self.waiting = 0;
            self.watches.values_mut().for_each(|entry| entry.running = 0);
            self.timers.values_mut().for_each(|entry| entry.running = 0);
        }
        self.sleeping = false;
        self.woken = false;
        self.restless = false;
        self.last_turn = self.last_turn.map(|_| Instant::now());
        // Not closed: a child that has closed all descriptors may use its number for something
        // else.
        fork::leave(&mut self.waker);
    }

    // --- adding, changing, removing ---------------------------------------------

    pub(super) fn add_watch(
        &mut self,
        fd: c_int,
        events: c_int,
        call: OnReady,
        maker: Maker,
    ) -> c_int {
        let process = self.process(maker);
        let number = free_number(&mut self.last_watch, &self.watches);
        let kind = Watch { fd, events, closed: false, held: false };
        self.watches.insert(number, Entry { kind, call, process, removed: false, running: 0 });
        self.wake();
        number
    }

    /// The same for libvirt. A watch that `is_held` is not looked after until it is released:
    /// libvirt still opens the connection, and reads its socket on the thread that opens. When
    /// another thread finds the end of the connection between libvirt's adding of the watch and
    /// of the keepalive, libvirt 9.0 never frees what it has of the connection, and its
    /// descriptors.
    pub(super) fn add_watch_of_libvirt(
        &mut self,
        fd: c_int,
        events: c_int,
        call: OnReady,
        is_held: bool,
    ) -> c_int {
        let watch = self.add_watch(fd, events, call, Maker::Libvirt);
        if let Some(entry) = live(&mut self.watches, watch) {
            entry.kind.held = is_held;
        }
        watch
    }

    /// A watch that was held is looked after from now on.
    pub(super) fn release(&mut self, watch: c_int) {
        if let Some(entry) = live(&mut self.watches, watch) {
            entry.kind.held = false;
            self.wake();
        }
    }

    pub(super) fn add_timer(&mut self, frequency: c_int, call: OnTime, maker: Maker) -> c_int {
        let process = self.process(maker);
        let number = free_number(&mut self.last_timer, &self.timers);
        let kind = Timer { frequency, due: due(Instant::now(), frequency) };
        self.timers.insert(number, Entry { kind, call, process, removed: false, running: 0 });
        self.wake();
        number
    }

    fn process(&self, maker: Maker) -> Option<u32> {
        (maker == Maker::Libvirt).then_some(self.generation)
    }

    pub(super) fn update_watch(&mut self, watch: c_int, events: c_int) {
        if let Some(entry) = live(&mut self.watches, watch) {
            entry.kind.events = events;
            entry.kind.closed = false;
            self.wake();
        }
    }

    pub(super) fn update_timer(&mut self, timer: c_int, frequency: c_int) {
        if let Some(entry) = live(&mut self.timers, timer) {
            entry.kind = Timer { frequency, due: due(Instant::now(), frequency) };
            self.wake();
        }
    }

    /// The same for libvirt. In a child it only comes to update timers that it still
    /// uses there: those of what is in memory, such as the events of the test driver
    /// in this process. From then on they are the child's.
    pub(super) fn update_timer_of_libvirt(&mut self, timer: c_int, frequency: c_int) {
        let generation = self.generation;
        if let Some(entry) = live(&mut self.timers, timer) {
            entry.process = entry.process.map(|_| generation);
        }
        self.update_timer(timer, frequency);
    }

    pub(super) fn remove_watch(&mut self, watch: c_int) -> bool {
        let found = remove(&mut self.watches, watch);
        if found {
            self.removed_watches.push(watch);
            self.wake();
        }
        found
    }

    pub(super) fn remove_timer(&mut self, timer: c_int) -> bool {
        let found = remove(&mut self.timers, timer);
        if found {
            self.removed_timers.push(timer);
            self.wake();
        }
        found
    }

    pub(super) fn timer_count(&self) -> usize {
        self.timers.len()
    }

    /// Takes out what was removed and does not run.
    pub(super) fn take_ended(&mut self) -> Ended {
        let here = self.generation;
        Ended {
            watches: take_removed(&mut self.watches, &mut self.removed_watches, here),
            timers: take_removed(&mut self.timers, &mut self.removed_timers, here),
        }
    }

    fn can_end_some(&self) -> bool {
        let watches = self.removed_watches.iter().filter_map(|watch| self.watches.get(watch));
        let timers = self.removed_timers.iter().filter_map(|timer| self.timers.get(timer));
        watches.map(|entry| entry.running).chain(timers.map(|entry| entry.running)).any(|n| n == 0)
    }

    // --- turns ------------------------------------------------------------------

    /// Begins a turn on this thread, within another one that it runs. False while
    /// another thread runs one.
    pub(super) fn enter(&mut self) -> bool {
        let me = this_thread();
        if *self.owner.get_or_insert(me) != me {
            return false;
        }
        self.depth += 1;
        true
    }

    /// Ends a turn; true when other threads wait for that.
    pub(super) fn leave(&mut self) -> bool {
        if self.owner != Some(this_thread()) {
            return false; // in a child, where another thread has begun anew
        }
        self.depth = self.depth.saturating_sub(1);
        self.turns += 1;
        if self.depth == 0 {
            self.owner = None;
            self.last_turn = Some(Instant::now());
        }
        std::mem::take(&mut self.waiting) > 0
    }

    /// Which turn this thread waits for, and to be told of its end.
    pub(super) fn wait(&mut self) -> u64 {
        self.waiting += 1;
        self.turns
    }

    /// Whether that turn still runs.
    pub(super) fn is_in(&self, turn: u64) -> bool {
        self.owner.is_some() && self.turns == turn
    }

    /// From now on it is known for how long the loop does not run.
    pub(super) fn is_installed(&mut self) {
        self.last_turn.get_or_insert_with(Instant::now);
    }

    /// For how long the loop has not run; none while it does.
    pub(super) fn idle(&self) -> Option<Duration> {
        if self.owner.is_some() { None } else { self.last_turn.map(|last| last.elapsed()) }
    }

    /// Whether the loop can be woken up.
    pub(super) fn waker(&mut self) -> Option<&OwnedFd> {
        self.waker.as_ref()
    }

    pub(super) fn set_waker(&mut self, waker: Option<OwnedFd>) {
        // What is replaced is not this process's any more.
        std::mem::forget(std::mem::replace(&mut self.waker, waker));
    }

    /// Ends the sleep of the loop, also one that only begins.
    pub(super) fn interrupt(&mut self) {
        self.restless |= !self.sleeping;
        self.wake();
    }

    /// Wakes up the thread that sleeps, for something has changed.
    pub(super) fn wake(&mut self) {
        if self.sleeping && !self.woken {
            self.woken = true;
            if let Some(waker) = &self.waker {
                // Full it cannot be: it is emptied when the thread has woken up.
                let _ = rustix::io::write(waker, &1u64.to_ne_bytes());
            }
        }
    }

    /// What to ask poll for, and when to stop asking.
    pub(super) fn fall_asleep(&mut self) -> Asked {
        let here = self.generation;
        let wanted = self.watches.iter().filter(|(_, entry)| {
            let kind = &entry.kind;
            entry.is_due_in(here) && kind.events != 0 && !kind.closed && !kind.held
        });
        let mut wanted: Vec<_> = wanted.map(|(number, entry)| (&entry.kind, *number)).collect();
        wanted.sort_by_key(|(watch, _)| watch.fd);
        let mut fds = Vec::with_capacity(wanted.len() + 1);
        let mut watches = Vec::with_capacity(wanted.len());
        for same in wanted.chunk_by(|(one, _), (other, _)| one.fd == other.fd) {
            watches.extend(same.iter().map(|(_, number)| (*number, fds.len())));
            let events = same.iter().map(|(watch, _)| to_poll(watch.events)).collect();
            fds.push(poll_fd(same[0].0.fd, events));
        }
        let waker = self.waker.as_ref().map(|_| fds.len());
        fds.extend(self.waker.as_ref().map(|waker| poll_fd(waker.as_raw_fd(), PollFlags::IN)));
        let timers = self.timers.values().filter(|entry| entry.is_due_in(here));
        let mut until = timers.filter_map(|entry| entry.kind.due).min();
        if std::mem::take(&mut self.restless) || self.can_end_some() {
            until = Some(Instant::now());
        }
        self.sleeping = true;
        Asked { watches, fds, waker, until }
    }

    /// The sleep is over.
    pub(super) fn wake_up(&mut self, asked: &Asked) {
        self.sleeping = false;
        let woken = std::mem::take(&mut self.woken);
        if let Some(waker) = self.waker.as_ref().filter(|_| woken) {
            // What was written is there, and if not, nothing waits for it.
            let _ = rustix::io::read(waker, &mut [0; 8]);
        }
        let answer = asked.waker.map(|place| asked.fds[place].revents());
        if answer.is_some_and(|answer| answer.contains(PollFlags::NVAL)) {
            // The program has closed all descriptors; the next turn makes a new one.
            self.set_waker(None);
        }
    }

    /// The watches that are ready, with what for.
    pub(super) fn ready(&mut self, asked: &Asked) -> Vec<(c_int, c_int)> {
        let here = self.generation;
        let mut ready = Vec::new();
        for (number, place) in &asked.watches {
            let answer = asked.fds[*place].revents();
            let entry = self.watches.get_mut(number).filter(|entry| entry.is_due_in(here));
            let Some(entry) = entry.filter(|entry| entry.kind.events != 0) else {
                continue;
            };
            let events = from_poll(answer, entry.kind.events);
            if events != 0 {
                entry.kind.closed = answer.contains(PollFlags::NVAL);
                ready.push((*number, events));
            }
        }
        ready.sort_unstable();
        ready
    }

    /// The timers that are due.
    pub(super) fn due(&self, now: Instant) -> Vec<c_int> {
        let here = self.generation;
        let timers = self.timers.iter().filter(|(_, entry)| entry.is_due_in(here));
        timers.filter(|(_, entry)| entry.is_due(now)).map(|(number, _)| *number).collect()
    }

    /// Begins a call of a watch that was ready, if it still wants it: the callbacks
    /// before it in this turn may have changed that.
    pub(super) fn begin_watch(
        &mut self,
        watch: c_int,
        events: c_int,
    ) -> Option<(OnReady, c_int, c_int)> {
        let here = self.generation;
        let entry = self.watches.get_mut(&watch).filter(|entry| entry.is_due_in(here))?;
        let events = events & (entry.kind.events | ALWAYS);
        if entry.kind.events == 0 || events == 0 {
            return None;
        }
        entry.running += 1;
        Some((Arc::clone(&entry.call), entry.kind.fd, events))
    }

    /// The same for a timer, which is set to fire again.
    pub(super) fn begin_timer(&mut self, timer: c_int, now: Instant) -> Option<OnTime> {
        let here = self.generation;
        let entry = self.timers.get_mut(&timer).filter(|entry| entry.is_due_in(here))?;
        if !entry.is_due(now) {
            return None;
        }
        entry.kind.due = due(now, entry.kind.frequency);
        entry.running += 1;
        Some(Arc::clone(&entry.call))
    }

    pub(super) fn end_watch(&mut self, watch: c_int) {
        if let Some(entry) = self.watches.get_mut(&watch) {
            entry.running = entry.running.saturating_sub(1);
        }
    }

    pub(super) fn end_timer(&mut self, timer: c_int) {
        if let Some(entry) = self.timers.get_mut(&timer) {
            entry.running = entry.running.saturating_sub(1);
        }
    }
}

impl<Kind, Call> Entry<Kind, Call> {
    /// Whether it is looked after in this process, and now: not within its own call.
    fn is_due_in(&self, generation: u32) -> bool {
        !self.removed
            && self.running == 0
            && self.process.is_none_or(|process| process == generation)
    }
}

impl<Call> Entry<Timer, Call> {
    fn is_due(&self, now: Instant) -> bool {
        self.kind.due.is_some_and(|due| due <= now)
    }
}

/// The next number that is not in use; the last is followed by the first.
fn free_number<E>(last: &mut c_int, entries: &BTreeMap<c_int, E>) -> c_int {
    loop {
        *last = last.checked_add(1).unwrap_or(1);
        if !entries.contains_key(last) {
            return *last;
        }
    }
}

fn live<K, C>(
    entries: &mut BTreeMap<c_int, Entry<K, C>>,
    number: c_int,
) -> Option<&mut Entry<K, C>> {
    entries.get_mut(&number).filter(|entry| !entry.removed)
}

fn remove<K, C>(entries: &mut BTreeMap<c_int, Entry<K, C>>, number: c_int) -> bool {
    live(entries, number).is_some_and(|entry| {
        entry.removed = true;
        true
    })
}

/// What of the parent's libvirt was removed in a child is forgotten: ending it would
/// speak on the parent's socket.
fn take_removed<K, C>(
    entries: &mut BTreeMap<c_int, Entry<K, C>>,
    removed: &mut Vec<c_int>,
    here: u32,
) -> Vec<C> {
    let mut ended = Vec::new();
    removed.retain(|number| {
        if entries.get(number).is_some_and(|entry| entry.running > 0) {
            return true;
        }
        if let Some(entry) = entries.remove(number) {
            if entry.process.is_none_or(|process| process == here) {
                ended.push(entry.call);
            } else {
                std::mem::forget(entry);
            }
        }
        false
    });
    ended
}

/// When a timer that is set now fires.
fn due(now: Instant, frequency: c_int) -> Option<Instant> {
    let frequency = u64::try_from(frequency).ok()?;
    Some(now + Duration::from_millis(frequency))
}

const READABLE: c_int = sys::VIR_EVENT_HANDLE_READABLE as c_int;
const WRITABLE: c_int = sys::VIR_EVENT_HANDLE_WRITABLE as c_int;
const ERROR: c_int = sys::VIR_EVENT_HANDLE_ERROR as c_int;
const HANGUP: c_int = sys::VIR_EVENT_HANDLE_HANGUP as c_int;

/// What poll answers whether it is asked for or not.
const ALWAYS: c_int = ERROR | HANGUP;

fn to_poll(events: c_int) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, events & READABLE != 0);
    flags.set(PollFlags::OUT, events & WRITABLE != 0);
    flags
}

/// What poll has answered, as far as it is wanted. libvirt knows no descriptor that is
/// closed; that is an error.
fn from_poll(answer: PollFlags, wanted: c_int) -> c_int {
    let if_any = |flags, event| if answer.intersects(flags) { event } else { 0 };
    let events = if_any(PollFlags::IN, READABLE)
        | if_any(PollFlags::OUT, WRITABLE)
        | if_any(PollFlags::ERR | PollFlags::NVAL, ERROR)
        | if_any(PollFlags::HUP, HANGUP);
    events & (wanted | ALWAYS)
}
