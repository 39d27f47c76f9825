// SPDX-License-Identifier: LGPL-2.1-or-later
//! A gate that changes go through, and that a fork closes: a child must not find a
//! change half made, whose thread it does not have.
//!
//! `tests/lock.rs` runs this file under loom, with loom's `sync`.

use super::sync::{AtomicU64, Ordering, pause};

/// One change, in the low half of the gate's word, which counts them.
const CHANGE: u64 = 1;
/// One thread that forks; the upper half counts them.
const FORK: u64 = 1 << 32;
const CHANGES: u64 = FORK - 1;

/// Lets changes in, or waits until none is inside and keeps them out.
pub struct Gate(AtomicU64);

impl Gate {
    /// An open gate, from a word of 0.
    pub const fn new(word: AtomicU64) -> Self {
        Gate(word)
    }

    /// Begins a change, when nobody forks. It must be short, and wait for nothing.
    #[inline]
    pub fn enter(&self) {
        while self.0.fetch_add(CHANGE, Ordering::Acquire) >= FORK {
            self.0.fetch_sub(CHANGE, Ordering::Relaxed);
            while self.0.load(Ordering::Relaxed) >= FORK {
                pause();
            }
        }
    }

    /// Ends a change.
    #[inline]
    pub fn leave(&self) {
        self.0.fetch_sub(CHANGE, Ordering::Release);
    }

    /// Keeps changes out, and waits until those that began are over, but for `own` of
    /// the calling thread itself.
    pub fn close(&self, own: u64) {
        self.0.fetch_add(FORK, Ordering::Acquire);
        while self.0.load(Ordering::Acquire) & CHANGES > own {
            pause();
        }
    }

    /// Lets changes in again.
    pub fn open(&self) {
        self.0.fetch_sub(FORK, Ordering::Release);
    }

    /// The same in the child, which has no thread but the one that forked.
    pub fn open_in_child(&self, own: u64) {
        self.0.store(own, Ordering::Relaxed);
    }
}
