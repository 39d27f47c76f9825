// SPDX-License-Identifier: LGPL-2.1-or-later
//! The events of a queue, between those who put them in and those who take them out.
//!
//! One lock around all of it, which nobody holds while an event ends: its objects may
//! hold connections, which talk when they end. So what is not kept is given back.
//!
//! `tests/queue.rs` runs this file under loom, with loom's `sync`.

use std::collections::{TryReserveError, VecDeque};
use std::time::Instant;

use super::sync::{Condvar, Mutex, MutexGuard, lock, wait, wait_until};

/// What tells a loop whether there are events.
pub trait Signal {
    /// There are some. Called under no lock: who it wakes may run at once, in place of who
    /// calls it, and takes the lock.
    fn raise(&self);

    /// There are none any more. Whether it was raised. Called under the buffer's lock.
    fn lower(&self) -> bool;
}

/// A bounded buffer of events.
pub struct Buffer<E, S> {
    state: Mutex<State<E>>,
    arrived: Condvar,
    capacity: usize,
    signal: S,
}

struct State<E> {
    events: VecDeque<E>,
    /// Whether the signal is raised, or is about to be.
    signalled: bool,
    /// How many threads are about to raise it.
    raising: usize,
    dropped: u64,
    /// Places that are kept for what comes for certain.
    kept: usize,
    /// How many wait: nobody is woken where there are none, which costs a system call.
    waiting: usize,
    /// It is over; what still arrives is given back.
    ended: bool,
}

impl<E, S: Signal> Buffer<E, S> {
    /// An empty one, for up to `capacity` events.
    pub fn new(capacity: usize, signal: S) -> Self {
        let events = VecDeque::new();
        let state = State {
            events,
            signalled: false,
            raising: 0,
            dropped: 0,
            kept: 0,
            waiting: 0,
            ended: false,
        };
        Buffer { state: Mutex::new(state), arrived: Condvar::new(), capacity, signal }
    }

    /// What tells whether there are events.
    pub fn signal(&self) -> &S {
        &self.signal
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        lock(&self.state).events.len()
    }

    /// How many events were dropped because there was no room or no memory for them.
    pub fn dropped(&self) -> u64 {
        lock(&self.state).dropped
    }

    /// Adds an event, unless the buffer is full, has ended, or gets no memory for it.
    /// Then it is given back.
    pub fn put(&self, event: E) -> Option<E> {
        let mut state = lock(&self.state);
        if state.ended {
            return Some(event);
        }
        if !state.has_room(self.capacity) {
            state.dropped += 1;
            return Some(event);
        }
        self.add(state, event);
        None
    }

    /// Keeps a place, so that [`put_kept`](Self::put_kept) cannot fail. False where there
    /// is no room or no memory for it.
    pub fn keep(&self) -> bool {
        let mut state = lock(&self.state);
        let has_room = state.has_room(self.capacity);
        state.kept += usize::from(has_room);
        has_room
    }

    /// Gives a place back that was kept.
    pub fn give_back(&self) {
        lock(&self.state).kept -= 1;
    }

    /// Adds an event to a place that was kept for it. It is given back by a buffer that
    /// has ended.
    pub fn put_kept(&self, event: E) -> Option<E> {
        let mut state = lock(&self.state);
        state.kept -= 1;
        if state.ended {
            return Some(event);
        }
        self.add(state, event);
        None
    }

    /// Takes the first event. If there is none, waits for one until the deadline, or
    /// without one for ever; not in a buffer that has ended.
    pub fn next(&self, deadline: Option<Instant>) -> Option<E> {
        let mut state = lock(&self.state);
        loop {
            if let Some(event) = state.events.pop_front() {
                self.settle(&mut state);
                return Some(event);
            }
            if state.ended {
                return None;
            }
            state.waiting += 1;
            let waited = match deadline {
                None => Some(wait(&self.arrived, state)),
                Some(deadline) => wait_until(&self.arrived, state, deadline),
            };
            let is_late = waited.is_none();
            state = waited.unwrap_or_else(|| lock(&self.state));
            state.waiting -= 1;
            if is_late {
                return None;
            }
        }
    }

    /// Takes up to `max` events, without waiting. Without memory for a list of them all
    /// stay.
    pub fn drain(&self, max: usize) -> Result<Vec<E>, TryReserveError> {
        let mut state = lock(&self.state);
        let count = max.min(state.events.len());
        let mut taken = Vec::new();
        taken.try_reserve_exact(count)?;
        taken.extend(state.events.drain(..count));
        self.settle(&mut state);
        Ok(taken)
    }

    /// Takes out the events of which `gone` says so.
    pub fn remove(&self, gone: impl Fn(&E) -> bool) {
        loop {
            let mut state = lock(&self.state);
            let (removed, first) = state.remove(&gone);
            self.settle(&mut state);
            drop(state);
            drop(removed);
            if first.is_none() {
                return;
            }
        }
    }

    /// Makes what fills the buffer, and with `undo` ends all that does: the end may have
    /// come in between, and known nothing of this one.
    pub fn fill<T, F>(
        &self,
        make: impl FnOnce() -> Result<T, F>,
        undo: impl FnOnce(),
    ) -> Result<T, F> {
        let made = make()?;
        if lock(&self.state).ended {
            undo();
        }
        Ok(made)
    }

    /// Ends it: nothing gets in any more, and who waits for events waits no longer. What
    /// fills it is ended with `undo`.
    pub fn end(&self, undo: impl FnOnce()) {
        let events = {
            let mut state = lock(&self.state);
            state.ended = true;
            let events = std::mem::take(&mut state.events);
            self.settle(&mut state);
            events
        };
        self.arrived.notify_all();
        drop(events);
        undo();
    }

    fn add(&self, mut state: MutexGuard<'_, State<E>>, event: E) {
        state.events.push_back(event);
        let is_news = !state.signalled;
        if is_news {
            state.signalled = true;
            state.raising += 1;
        }
        let is_waited_for = state.waiting > 0;
        drop(state);
        if is_news {
            self.signal.raise();
            let mut state = lock(&self.state);
            state.raising -= 1;
            self.settle(&mut state);
        }
        if is_waited_for {
            self.arrived.notify_one();
        }
    }

    /// Lowers the signal when there are no events. Where they were taken before it was raised,
    /// who raises it does that.
    fn settle(&self, state: &mut MutexGuard<'_, State<E>>) {
        if state.signalled && state.events.is_empty() {
            let is_settled = self.signal.lower() || state.raising == 0;
            state.signalled = !is_settled;
        }
    }
}

impl<E> State<E> {
    /// Whether one more fits, beside what was kept a place for.
    fn has_room(&mut self, capacity: usize) -> bool {
        let fits = self.events.len() + self.kept < capacity;
        fits && self.events.try_reserve(self.kept + 1).is_ok()
    }

    /// Takes them out; without memory for a list of them, only the first.
    fn remove(&mut self, gone: impl Fn(&E) -> bool) -> (Vec<E>, Option<E>) {
        let count = self.events.iter().filter(|event| gone(event)).count();
        let mut removed = Vec::new();
        if removed.try_reserve_exact(count).is_err() {
            let first = self.events.iter().position(gone);
            return (removed, first.and_then(|first| self.events.remove(first)));
        }
        // All go around once, which takes no memory; what stays keeps its order.
        let all = if count == 0 { 0 } else { self.events.len() };
        for _ in 0..all {
            match self.events.pop_front() {
                Some(event) if gone(&event) => removed.push(event),
                Some(event) => self.events.push_back(event),
                None => break,
            }
        }
        (removed, None)
    }
}
