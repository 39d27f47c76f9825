// SPDX-License-Identifier: LGPL-2.1-or-later
//! A lock for readers and writers that a child of fork never waits for.
//!
//! The word of the lock has the process (its [`generation`]) in the upper half, and in
//! the lower half how it is held there. What another process has noted is void: its
//! threads are not here. That they were not amid a change is what [`Change`] is for:
//! readers leave the content as it is, and a fork waits for writers.
//!
//! A reader may read again on the same thread, even while a writer waits. A writer must
//! be short, and call nothing that is not ours.
//!
//! `tests/lock.rs` runs this file under loom, with loom's `sync`.

use std::ops::{Deref, DerefMut};

use super::sync::{AtomicU64, Change, Ordering, UnsafeCell, generation, wait, wake};

/// One reader; the low bits count them.
const READER: u32 = 1;
const READERS: u32 = (1 << 30) - 1;
const WRITER: u32 = 1 << 30;
/// Somebody waits for the word to change.
const WAITING: u32 = 1 << 31;

/// What is behind the lock.
pub struct Lock<T> {
    word: AtomicU64,
    content: UnsafeCell<T>,
}

// SAFETY: the content is shared by readers, or has one writer.
unsafe impl<T: Send + Sync> Sync for Lock<T> {}

/// The content, to read.
pub struct Reading<'l, T> {
    lock: &'l Lock<T>,
    process: u32,
}

/// The content, to change.
pub struct Writing<'l, T> {
    lock: &'l Lock<T>,
    process: u32,
    /// Ended in `drop`, before others can read.
    change: Option<Change>,
}

impl<T> Lock<T> {
    /// A lock that nobody holds.
    #[inline]
    pub fn new(content: T) -> Self {
        Lock { word: AtomicU64::new(0), content: UnsafeCell::new(content) }
    }

    /// Waits until nobody writes.
    #[inline]
    pub fn read(&self) -> Reading<'_, T> {
        let process = self.hold(|held| {
            let has_room = held & WRITER == 0 && held & READERS != READERS;
            has_room.then_some(held + READER)
        });
        Reading { lock: self, process }
    }

    /// Waits until nobody reads or writes.
    #[inline]
    pub fn write(&self) -> Writing<'_, T> {
        let process = self.hold(|held| (held & (READERS | WRITER) == 0).then_some(held | WRITER));
        Writing { lock: self, process, change: Some(Change::begin()) }
    }

    /// The content, of who has the lock for itself.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: nobody else can hold the lock while it is borrowed so.
        self.content.with_mut(|content| unsafe { &mut *content })
    }

    /// A lock as a fork copies it, with what `copy` makes of its content as it is.
    #[cfg(test)]
    #[allow(dead_code, reason = "`tests/lock.rs` is its user")]
    pub fn forked(&self, copy: impl FnOnce(&T) -> T) -> Self {
        let word = AtomicU64::new(self.word.load(Ordering::Relaxed));
        // SAFETY: its user sees to it that `copy` may look at any time.
        let content = self.content.with(|content| copy(unsafe { &*content }));
        Lock { word, content: UnsafeCell::new(content) }
    }

    /// Changes how the lock is held in this process, as soon as that can be. Returns the
    /// process.
    #[inline]
    fn hold(&self, change: impl Fn(u32) -> Option<u32>) -> u32 {
        let process = generation();
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let held = held_in(word, process);
            let Some(new) = change(held) else {
                word = self.wait(word, joined(process, held | WAITING));
                continue;
            };
            let (new, relaxed) = (joined(process, new), Ordering::Relaxed);
            match self.word.compare_exchange(word, new, Ordering::Acquire, relaxed) {
                Ok(_) => return process,
                Err(current) => word = current,
            }
        }
    }

    /// Notes that somebody waits, and waits. Returns the word after that.
    #[cold]
    fn wait(&self, word: u64, waiting: u64) -> u64 {
        if word != waiting {
            let relaxed = Ordering::Relaxed;
            if let Err(current) = self.word.compare_exchange(word, waiting, relaxed, relaxed) {
                return current;
            }
        }
        wait(&self.word, waiting);
        self.word.load(Ordering::Relaxed)
    }

    /// Gives up a hold of this process, unless that is another one by now.
    #[inline]
    fn release(&self, process: u32, change: impl Fn(u32) -> u32) {
        let mut word = self.word.load(Ordering::Relaxed);
        while (word >> 32) as u32 == process && process == generation() {
            let left = change(word as u32);
            // The last to leave wakes those who wait.
            let wakes = left == WAITING;
            let new = if wakes { 0 } else { left };
            let (new, relaxed) = (joined(process, new), Ordering::Relaxed);
            match self.word.compare_exchange(word, new, Ordering::Release, relaxed) {
                Ok(_) if wakes => return wake(&self.word),
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }
}

/// How the lock is held in this process.
#[inline]
fn held_in(word: u64, process: u32) -> u32 {
    if (word >> 32) as u32 == process { word as u32 } else { 0 }
}

#[inline]
fn joined(process: u32, held: u32) -> u64 {
    (u64::from(process) << 32) | u64::from(held)
}

impl<T> Drop for Reading<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.release(self.process, |held| held - READER);
    }
}

impl<T> Drop for Writing<'_, T> {
    #[inline]
    fn drop(&mut self) {
        drop(self.change.take());
        self.lock.release(self.process, |held| held & !WRITER);
    }
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there are readers, so nobody writes.
        self.lock.content.with(|content| unsafe { &*content })
    }
}

impl<T> Deref for Writing<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this is the one writer.
        self.lock.content.with(|content| unsafe { &*content })
    }
}

impl<T> DerefMut for Writing<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this is the one writer, and nobody reads.
        self.lock.content.with_mut(|content| unsafe { &mut *content })
    }
}
