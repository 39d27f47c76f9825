// SPDX-License-Identifier: LGPL-2.1-or-later
//! How far a call is: between the thread that makes it, those who wait for it, and who
//! gives it up, of whom each may come at any time.
//!
//! It is done once: by what the call has come to, or before that by who gives it up. What
//! ends later is given back, so that nothing of the caller's runs under the lock.
//!
//! `tests/calls.rs` runs this file under loom, with loom's `sync`.

use std::time::Instant;

use super::sync::{Condvar, Mutex, MutexGuard, lock, wait, wait_until};

/// A call that is made by doing `J`, and comes to `R`.
pub struct State<J, R> {
    inner: Mutex<Inner<J, R>>,
    done: Condvar,
}

struct Inner<J, R> {
    phase: Phase<J, R>,
    /// How many wait: nobody is told where there are none, which costs a system call.
    waiting: usize,
}

enum Phase<J, R> {
    NotBegun(J),
    Running,
    /// It runs, and is not given up any more: it has what it comes to.
    Settled,
    /// None once nobody can ask for it any more.
    Done(Option<R>),
}

/// What becomes of a call that is given up.
#[derive(Debug, PartialEq)]
pub enum GivenUp<J, R> {
    /// It never begins; this was to be done.
    NotBegun(J),
    /// It goes on, and nobody hears of what it comes to.
    Abandoned,
    /// It was done or settled already, so it was not given up.
    TooLate(R),
}

impl<J, R> State<J, R> {
    /// A call that has not begun.
    pub fn new(job: J) -> Self {
        let inner = Inner { phase: Phase::NotBegun(job), waiting: 0 };
        State { inner: Mutex::new(inner), done: Condvar::new() }
    }

    /// What to do now. None where the call was given up.
    pub fn begin(&self) -> Option<J> {
        let mut inner = lock(&self.inner);
        match std::mem::replace(&mut inner.phase, Phase::Running) {
            Phase::NotBegun(job) => Some(job),
            other => {
                inner.phase = other;
                None
            }
        }
    }

    /// The call has come to this. Given back where it was given up meanwhile.
    pub fn finish(&self, result: R) -> Option<R> {
        let mut inner = lock(&self.inner);
        if let Phase::Done(_) = inner.phase {
            return Some(result);
        }
        inner.phase = Phase::Done(Some(result));
        self.tell(inner);
        None
    }

    /// A call that runs has what it comes to, so that it cannot be given up any more. False where
    /// it was.
    pub fn settle(&self) -> bool {
        let mut inner = lock(&self.inner);
        let is_running = matches!(inner.phase, Phase::Running | Phase::Settled);
        if is_running {
            inner.phase = Phase::Settled;
        }
        is_running
    }

    /// Gives the call up: it is done, and has come to `instead`.
    pub fn give_up(&self, instead: R) -> GivenUp<J, R> {
        let mut inner = lock(&self.inner);
        if let Phase::Done(_) | Phase::Settled = inner.phase {
            return GivenUp::TooLate(instead);
        }
        let before = std::mem::replace(&mut inner.phase, Phase::Done(Some(instead)));
        self.tell(inner);
        match before {
            Phase::NotBegun(job) => GivenUp::NotBegun(job),
            _ => GivenUp::Abandoned,
        }
    }

    /// Under no lock: who is woken takes it at once.
    fn tell(&self, inner: MutexGuard<'_, Inner<J, R>>) {
        let is_waited_for = inner.waiting > 0;
        drop(inner);
        if is_waited_for {
            self.done.notify_all();
        }
    }

    /// Waits until the call is done, or until the deadline; without one for ever. Whether
    /// it is done.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut inner = lock(&self.inner);
        loop {
            if let Phase::Done(_) = inner.phase {
                return true;
            }
            inner.waiting += 1;
            let waited = match deadline {
                None => Some(wait(&self.done, inner)),
                Some(deadline) => wait_until(&self.done, inner, deadline),
            };
            inner = match waited {
                Some(inner) => inner,
                None => {
                    let mut inner = lock(&self.inner);
                    inner.waiting -= 1;
                    return matches!(inner.phase, Phase::Done(_));
                }
            };
            inner.waiting -= 1;
        }
    }

    /// Whether it waits to begin, or runs; None where it is done.
    pub fn has_begun(&self) -> Option<bool> {
        match lock(&self.inner).phase {
            Phase::NotBegun(_) => Some(false),
            Phase::Running | Phase::Settled => Some(true),
            Phase::Done(_) => None,
        }
    }

    /// What it has come to, once it is done.
    pub fn result<T>(&self, read: impl FnOnce(&R) -> T) -> Option<T> {
        match &lock(&self.inner).phase {
            Phase::Done(Some(result)) => Some(read(result)),
            _ => None,
        }
    }

    /// Puts something else in the place of what it has come to, which is given back; `with` where it
    /// is not done, or nobody asks any more.
    pub fn replace(&self, with: R) -> R {
        match &mut lock(&self.inner).phase {
            Phase::Done(Some(result)) => std::mem::replace(result, with),
            _ => with,
        }
    }

    /// Takes what it has come to away, if it is done: nobody asks any more.
    pub fn forget(&self) -> Option<R> {
        match &mut lock(&self.inner).phase {
            Phase::Done(result) => result.take(),
            _ => None,
        }
    }
}
