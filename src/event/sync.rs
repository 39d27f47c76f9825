//! What `hub.rs` is made of; under loom it is made of loom's.

pub use std::sync::atomic::{AtomicBool, Ordering};
pub use std::sync::{Arc, Mutex, MutexGuard};

pub use crate::fork::Leaf;

/// A panic under a lock leaves it usable: what the locks guard is whole at all times.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Tells this thread from all others that there are now. Not the standard library's
/// number: for a thread that it has not made, it first makes a handle that stays behind.
pub fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}
