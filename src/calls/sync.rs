//! What `state.rs` is made of; under loom it is made of loom's.

use std::sync::PoisonError;
pub use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// A panic under a lock leaves it usable: what the locks guard is whole at all times.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
