// SPDX-License-Identifier: LGPL-2.1-or-later
//! What `hub.rs`, `buffer.rs`, `runner.rs` and `calls/state.rs` are made of; under loom they are made of
//! loom's.

use std::sync::PoisonError;
pub use std::sync::atomic::{AtomicBool, Ordering};
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

pub use crate::fork::{Leaf, generation, lock};

/// Waits until it is notified, or for no reason.
pub fn wait<'g, T>(condition: &Condvar, guard: MutexGuard<'g, T>) -> MutexGuard<'g, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// The same, until the deadline at the latest; none when that has passed.
pub fn wait_until<'g, T>(
    condition: &Condvar,
    guard: MutexGuard<'g, T>,
    deadline: Instant,
) -> Option<MutexGuard<'g, T>> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return None;
    }
    let waited = condition.wait_timeout(guard, left);
    Some(waited.unwrap_or_else(PoisonError::into_inner).0)
}

/// Tells this thread from all others that there are now. Not the standard library's
/// number: for a thread that it has not made, it first makes a handle that stays behind.
pub fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}
