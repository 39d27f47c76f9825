// SPDX-License-Identifier: LGPL-2.1-or-later
//! What `slots.rs` and `lock.rs` are made of; under loom they are made of loom's.

use std::alloc::{self, Layout};
use std::cell;
use std::ptr;
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

/// An array of items that are zeros, as `_new` makes them. Memory of the kernel's is not
/// touched before an item is. None if there is none.
///
/// # Safety
/// Zeros are an item.
pub unsafe fn zeroed<T>(count: usize, _new: fn() -> T) -> Option<Box<[T]>> {
    let layout = Layout::array::<T>(count).ok().filter(|layout| layout.size() > 0)?;
    // SAFETY: the size is not 0; what is made by this allocator is the box's, and holds
    // as many items, by the caller's promise.
    unsafe {
        let first: *mut T = alloc::alloc_zeroed(layout).cast();
        (!first.is_null()).then(|| Box::from_raw(ptr::slice_from_raw_parts_mut(first, count)))
    }
}

pub use crate::fork::{Change, generation};

/// Waits until the word may be another one than `seen`.
pub fn wait(word: &AtomicU64, seen: u64) {
    futex(word, libc::FUTEX_WAIT, seen as u32);
}

/// Wakes all who wait for the word.
pub fn wake(word: &AtomicU64) {
    futex(word, libc::FUTEX_WAKE, i32::MAX as u32);
}

/// Linux compares 32 bits: the low half.
fn futex(word: &AtomicU64, operation: libc::c_int, value: u32) {
    let low = if cfg!(target_endian = "little") { 0 } else { 1 };
    // SAFETY: half of a word that lives across the call; without a time limit. That it
    // fails is what happens when the word is another one already.
    unsafe {
        let half = word.as_ptr().cast::<u32>().add(low);
        let operation = operation | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, half, operation, value, ptr::null::<libc::timespec>());
    }
}
