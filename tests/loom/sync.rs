// SPDX-License-Identifier: LGPL-2.1-or-later
//! What `src/event/buffer.rs` and `src/calls/state.rs` are made of, as loom's.

use std::time::Instant;

pub use loom::sync::{Condvar, Mutex, MutexGuard};

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

pub fn wait<'g, T>(condition: &Condvar, guard: MutexGuard<'g, T>) -> MutexGuard<'g, T> {
    condition.wait(guard).unwrap()
}

/// There is no time in a model: the deadline has passed.
pub fn wait_until<'g, T>(
    _condition: &Condvar,
    _guard: MutexGuard<'g, T>,
    _deadline: Instant,
) -> Option<MutexGuard<'g, T>> {
    None
}
