//! What `slots.rs` is made of; under loom it is made of loom's.

use std::cell;
pub use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// How many slots the first segment has; a power of two.
pub const FIRST_SEGMENT: usize = 32;

/// How often a slot can be used.
pub const GENERATION_BITS: u32 = 26;

/// The standard library's, with the interface of loom's.
pub struct UnsafeCell<T>(cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub fn new(value: T) -> Self {
        UnsafeCell(cell::UnsafeCell::new(value))
    }

    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    #[inline]
    pub fn with_mut<R>(&self, change: impl FnOnce(*mut T) -> R) -> R {
        change(self.0.get())
    }
}
