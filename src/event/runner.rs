// SPDX-License-Identifier: LGPL-2.1-or-later
//! When the library's thread begins and ends.
//!
//! There is one thread at most: one that is to stop and then to start goes on in between,
//! so nobody has to wait for a start. It looks at this between turns, and before each
//! callback. Any thread may start and stop it, also one of its own callbacks, which then
//! is the last.
//!
//! `tests/runner.rs` runs this file under loom, with loom's `sync`.

use super::sync::{Condvar, Leaf, generation, wait};

/// The library's thread: `T` is what it is joined by.
pub struct Runner<T: 'static> {
    state: Leaf<State<T>>,
    /// It has taken notice of being stopped.
    stopped: Condvar,
}

/// What the thread is to do, and what it does.
pub struct State<T> {
    /// The process that all this is about.
    generation: u32,
    /// Whether the loop is to run.
    wanted: bool,
    /// How often it was to stop, and how often of that it has.
    stops: u64,
    stopped: u64,
    /// The number of the last thread. None has 0.
    last: u64,
    /// It, while it runs or is about to end.
    thread: Option<Thread<T>>,
    /// The number of the one that runs.
    running: Option<u64>,
}

/// A thread that has ended or is about to, to be joined, but not by itself.
pub struct Thread<T> {
    /// Its number.
    pub number: u64,
    /// What it is joined by.
    pub handle: T,
}

/// A stop that is under way: the process, and which one it is.
pub struct Stop(u32, u64);

impl<T> State<T> {
    /// No thread yet.
    pub const fn new() -> Self {
        State {
            generation: 0,
            wanted: false,
            stops: 0,
            stopped: 0,
            last: 0,
            thread: None,
            running: None,
        }
    }

    /// A child of fork has no such thread.
    fn here(&mut self) -> &mut Self {
        if self.generation != generation() {
            self.generation = generation();
            self.wanted = false;
            self.stopped = self.stops;
            self.running = None;
            // There is nothing to be let go of.
            std::mem::forget(self.thread.take());
        }
        self
    }
}

impl<T: Send> Runner<T> {
    /// A runner of a state in which no thread runs.
    pub const fn new(state: Leaf<State<T>>, stopped: Condvar) -> Self {
        Runner { state, stopped }
    }

    /// Whether the loop is to run.
    pub fn is_wanted(&'static self) -> bool {
        self.state.lock().here().wanted
    }

    /// Lets the thread run; `spawn` starts one where none does. Gives the one before it,
    /// if that is still to be joined.
    pub fn start<E>(
        &'static self,
        spawn: impl FnOnce(u64) -> Result<T, E>,
    ) -> Result<Option<Thread<T>>, E> {
        let mut state = self.state.lock();
        let state = state.here();
        if state.running.is_some() {
            state.wanted = true;
            return Ok(None);
        }
        let number = state.last + 1;
        let handle = spawn(number)?;
        state.last = number;
        state.wanted = true;
        state.running = Some(number);
        Ok(state.thread.replace(Thread { number, handle }))
    }

    /// Lets the thread stop. None where there is nothing to [wait](Self::wait) for: it
    /// does not run, or is the caller itself, which has the number `me`. Otherwise the
    /// loop must be woken up first.
    pub fn stop(&'static self, me: u64) -> Option<Stop> {
        let mut state = self.state.lock();
        let state = state.here();
        let running = state.running?;
        state.wanted = false;
        state.stops += 1;
        (running != me).then_some(Stop(state.generation, state.stops))
    }

    /// Waits until the thread has stopped. Gives it, to be joined, unless it runs again.
    pub fn wait(&'static self, Stop(process, number): Stop) -> Option<Thread<T>> {
        let mut state = self.state.lock();
        while state.here().generation == process && state.stopped < number {
            state = wait(&self.stopped, state);
        }
        if state.running.is_none() { state.thread.take() } else { None }
    }

    /// Whether the thread of this number is to go on with its turn: it was not stopped.
    pub fn goes_on(&'static self, me: u64) -> bool {
        let mut state = self.state.lock();
        let state = state.here();
        state.running == Some(me) && state.stops == state.stopped
    }

    /// The thread of this number is between two turns, and takes notice of being stopped.
    /// False: it ends.
    pub fn begin_turn(&'static self, me: u64) -> bool {
        let mut state = self.state.lock();
        let state = state.here();
        if state.running != Some(me) {
            return false; // a child that was forked in a callback
        }
        if state.stopped != state.stops {
            state.stopped = state.stops;
            self.stopped.notify_all();
        }
        if !state.wanted {
            state.running = None;
        }
        state.wanted
    }
}
