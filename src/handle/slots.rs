// SPDX-License-Identifier: LGPL-2.1-or-later
//! Where objects are kept: slots that are used again, told apart by generation.
//!
//! All that is known of a slot stands in one atomic word: its generation, how
//! many holds there are on its object, and how many uses are going on. So one
//! instruction of the processor decides whether a key is live and keeps the
//! object, one ends a use, and nothing is ever locked, which a fork could
//! leave locked. Slots are never given back to the allocator: any number may
//! be looked up, whether it ever was a key or not.
//!
//! `tests/slots.rs` runs this file under loom, with loom's `sync`.

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};

use super::sync::{
    AtomicPtr, AtomicU32, AtomicU64, FIRST_SEGMENT, GENERATION_BITS, Ordering, UnsafeCell, zeroed,
};

/// One use, in a slot's word; the low bits count them.
const USE: u64 = 1;
/// One hold; the bits above the uses count them.
const HOLD: u64 = 1 << 19;
const USES: u64 = HOLD - 1;
const HOLDS: u64 = USES << 19;
/// One generation; the bits above the holds count them.
const GENERATION: u64 = 1 << 38;
const GENERATIONS: u64 = ((1 << GENERATION_BITS) - 1) * GENERATION;

/// A key has the number of the slot in its low bits and the generation above.
const NUMBER_BITS: u32 = 32;
/// How many bits of a key can be set.
#[allow(dead_code)] // To Rust 1.85, being asserted is not being used.
pub const KEY_BITS: u32 = NUMBER_BITS + GENERATION_BITS;

/// How many uses of one object there can be at once.
pub const MAX_USES: u64 = USES;
/// How many holds there can be on one object.
pub const MAX_HOLDS: u64 = HOLDS / HOLD;

/// Each segment has twice the slots of the one before.
const SEGMENTS: usize = NUMBER_BITS as usize - FIRST_SEGMENT.ilog2() as usize;

/// Objects by key. Whoever has one must keep it for ever.
pub struct Slots<T> {
    segments: [AtomicPtr<Slot<T>>; SEGMENTS],
    /// How many slots were ever used; the next has this number.
    used: AtomicU32,
    /// The slot that became free last, see [`Slots::push_free`].
    free: AtomicU64,
}

/// Of zeros before it is used first, so that a segment takes no memory for slots that it
/// has in reserve.
struct Slot<T> {
    word: AtomicU64,
    /// While this one is free: the number of the next free slot plus one, or 0. While there
    /// is an object: the number of this slot, so that a use need not carry it.
    number: AtomicU32,
    /// There is an object as long as there are holds or uses.
    object: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: an object is shared by all who use it, and dropped by any of them.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

/// A use of an object, which lives at least as long.
pub struct Use<T: Send + Sync + 'static> {
    slots: &'static Slots<T>,
    slot: &'static Slot<T>,
}

impl<T: Send + Sync + 'static> Slots<T> {
    pub fn new() -> Self {
        Slots {
            segments: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// Keeps the object that `make` makes, with one hold on it. None, and nothing is
    /// made, when all numbers are in use.
    #[inline]
    pub fn insert(&'static self, make: impl FnOnce() -> T) -> Option<u64> {
        let (number, slot) = self.pop_free().or_else(|| self.unused())?;
        // SAFETY: the slot is neither free nor live, so it is this call's alone.
        slot.object.with_mut(|place| unsafe { (*place).write(make()) });
        slot.number.store(number, Ordering::Relaxed);
        let generation = slot.word.load(Ordering::Relaxed) & GENERATIONS;
        slot.word.store(generation | HOLD, Ordering::Release);
        Some(((generation / GENERATION) << NUMBER_BITS) | u64::from(number))
    }

    /// Begins a use. None if the key is not live, or has [`MAX_USES`] already.
    #[inline]
    pub fn get(&'static self, key: u64) -> Option<Use<T>> {
        let (slot, _) = self.change(key, |word| (word & USES != USES).then_some(word + USE))?;
        Some(self.using(slot))
    }

    /// Whether there are holds on the key's object.
    pub fn is_live(&'static self, key: u64) -> bool {
        self.slot(key as u32).is_some_and(|slot| is_live(slot.word.load(Ordering::Relaxed), key))
    }

    /// How many holds there are on the key's object; 0 if it is not live.
    pub fn holds(&'static self, key: u64) -> u64 {
        let word = self.slot(key as u32).map_or(0, |slot| slot.word.load(Ordering::Relaxed));
        if is_live(word, key) { (word & HOLDS) / HOLD } else { 0 }
    }

    /// Adds a hold. False if the key is not live, or has [`MAX_HOLDS`] already.
    pub fn retain(&'static self, key: u64) -> bool {
        self.change(key, |word| (word & HOLDS != HOLDS).then_some(word + HOLD)).is_some()
    }

    /// Gives up a hold. When it was the last, the key is live no more, and the
    /// use that is returned may be what keeps the object.
    #[inline]
    pub fn release(&'static self, key: u64) -> Option<Use<T>> {
        let less = |word| match word & HOLDS {
            HOLD => (word & USES != USES).then_some(word - HOLD + USE),
            _ => Some(word - HOLD),
        };
        let (slot, word) = self.change(key, less)?;
        (word & HOLDS == 0).then(|| self.using(slot))
    }

    /// Gives up all holds, as [`Slots::release`] does the last.
    pub fn remove(&'static self, key: u64) -> Option<Use<T>> {
        let (slot, _) =
            self.change(key, |word| (word & USES != USES).then_some((word & !HOLDS) + USE))?;
        Some(self.using(slot))
    }

    /// Gives up a hold and begins a use in one step: what the caller of both does.
    pub fn release_to_use(&'static self, key: u64) -> Option<Use<T>> {
        let change = |word| (word & USES != USES).then_some(word - HOLD + USE);
        let (slot, _) = self.change(key, change)?;
        Some(self.using(slot))
    }

    /// A use that has begun.
    #[inline]
    fn using(&'static self, slot: &'static Slot<T>) -> Use<T> {
        Use { slots: self, slot }
    }

    /// How many objects there are, which takes time in proportion to how many
    /// there ever were at once.
    pub fn count(&'static self) -> usize {
        let used = self.used.load(Ordering::Relaxed);
        let counts = |slot: &Slot<T>| slot.word.load(Ordering::Relaxed) & (HOLDS | USES);
        (0..used).filter_map(|number| self.slot(number)).filter(|slot| counts(slot) != 0).count()
    }

    /// Changes the word of a live key, unless the change is refused. Returns
    /// the new word.
    #[inline]
    fn change(
        &'static self,
        key: u64,
        change: impl Fn(u64) -> Option<u64>,
    ) -> Option<(&'static Slot<T>, u64)> {
        let slot = self.slot(key as u32)?;
        let mut word = slot.word.load(Ordering::Relaxed);
        while is_live(word, key) {
            let new = change(word)?;
            // Acquire: what was put into the slot is seen. Release: what was
            // done under a hold that is given up comes before the end.
            match slot.word.compare_exchange(word, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some((slot, new)),
                Err(current) => word = current,
            }
        }
        None
    }

    /// Drops the object of a slot that has no holds, and whose last use ends.
    #[inline(always)]
    fn clear(&'static self, slot: &'static Slot<T>) {
        let number = slot.number.load(Ordering::Relaxed);
        let generation = slot.word.load(Ordering::Relaxed) & GENERATIONS;
        // SAFETY: there is an object, and nobody else can reach it: the word
        // has no holds, so no use can begin, and of the uses this was the last.
        slot.object.with_mut(|place| unsafe { (*place).assume_init_drop() });
        if generation == GENERATIONS {
            // All generations are used up. Were it used again, old keys would
            // be live again; so it is left, a few bytes for 2^26 objects.
            slot.word.store(generation, Ordering::Relaxed);
        } else {
            slot.word.store(generation + GENERATION, Ordering::Relaxed);
            self.push_free(slot, number);
        }
    }

    /// Puts a slot on the list of free ones. Its head has the number of the
    /// first plus one in the low half, and in the upper half a counter of
    /// changes: a head that is the same again after a while is noticed.
    fn push_free(&'static self, slot: &'static Slot<T>, number: u32) {
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            slot.number.store(head as u32, Ordering::Relaxed);
            let new = changed(head, number + 1);
            match self.free.compare_exchange(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => head = current,
            }
        }
    }

    fn pop_free(&'static self) -> Option<(u32, &'static Slot<T>)> {
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let number = (head as u32).checked_sub(1)?;
            let slot = self.slot(number)?;
            let new = changed(head, slot.number.load(Ordering::Relaxed));
            match self.free.compare_exchange(head, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some((number, slot)),
                Err(current) => head = current,
            }
        }
    }

    /// A slot that was never used.
    #[cold]
    fn unused(&'static self) -> Option<(u32, &'static Slot<T>)> {
        // Numbers stay below the last segment's end, and a number plus one fits.
        let limit = u32::MAX - FIRST_SEGMENT as u32;
        let more = |used| (used < limit).then_some(used + 1);
        let number = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        let (segment, _) = place_of(number);
        if self.segments[segment].load(Ordering::Acquire).is_null() {
            self.add_segment(segment);
        }
        Some((number, self.slot(number)?))
    }

    fn add_segment(&'static self, segment: usize) {
        // SAFETY: zeros are an empty slot.
        let Some(slots) = (unsafe { zeroed(FIRST_SEGMENT << segment, Slot::<T>::new) }) else {
            return; // there is no memory for it, and no slot then
        };
        let new = Box::into_raw(slots);
        let place = &self.segments[segment];
        let (done, failed) = (Ordering::AcqRel, Ordering::Acquire);
        if place.compare_exchange(ptr::null_mut(), new.cast(), done, failed).is_err() {
            // SAFETY: another thread was faster; this one was never shared.
            drop(unsafe { Box::from_raw(new) });
        }
    }

    #[inline]
    fn slot(&'static self, number: u32) -> Option<&'static Slot<T>> {
        let (segment, offset) = place_of(number);
        let first = NonNull::new(self.segments.get(segment)?.load(Ordering::Acquire))?;
        // SAFETY: the segment is that long, and is never freed.
        Some(unsafe { first.add(offset).as_ref() })
    }
}

impl<T> Slot<T> {
    fn new() -> Self {
        Slot {
            word: AtomicU64::new(0),
            number: AtomicU32::new(0),
            object: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

impl<T: Send + Sync> Use<T> {
    /// What dropping does, in the function that calls this and not in one of its own.
    /// That counts where ending the object takes calls within calls: the processor
    /// knows where the innermost 16 return to, and each one around those cost Perl
    /// 8 ns per object of a list.
    #[inline(always)]
    pub fn end(self) {
        ManuallyDrop::new(self).finish();
    }

    #[inline(always)]
    fn finish(&mut self) {
        let last = |word: u64| word & (HOLDS | USES) == USE;
        // Acquire: what other uses did comes before the end. The last use is
        // alone with the word and need not count itself out.
        let word = self.slot.word.load(Ordering::Acquire);
        if last(word) || last(self.slot.word.fetch_sub(USE, Ordering::AcqRel)) {
            self.slots.clear(self.slot);
        }
    }

    /// Whether there is no other use. One that begins later sees all that was done
    /// before this was asked.
    pub fn is_only(&self) -> bool {
        // A change, though it changes nothing, is what a later use comes after.
        self.slot.word.fetch_add(0, Ordering::AcqRel) & USES == USE
    }

    /// The object, if nobody else has a use of it or a hold on it, nor can get one.
    pub fn alone(&mut self) -> Option<&mut T> {
        let alone = self.slot.word.load(Ordering::Acquire) & (HOLDS | USES) == USE;
        // SAFETY: without holds no use can begin, and this is the only one,
        // which is borrowed for as long as the object is.
        alone.then(|| self.slot.object.with_mut(|place| unsafe { (*place).assume_init_mut() }))
    }
}

impl<T: Send + Sync> std::ops::Deref for Use<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a use began while there was an object, and keeps it.
        self.slot.object.with(|place| unsafe { (*place).assume_init_ref() })
    }
}

impl<T: Send + Sync> Drop for Use<T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.finish();
    }
}

#[inline]
fn is_live(word: u64, key: u64) -> bool {
    word / GENERATION == key >> NUMBER_BITS && word & HOLDS != 0
}

/// Segment and offset of a slot.
#[inline]
fn place_of(number: u32) -> (usize, usize) {
    let place = number as usize + FIRST_SEGMENT;
    let segment = (place.ilog2() - FIRST_SEGMENT.ilog2()) as usize;
    (segment, place - (FIRST_SEGMENT << segment))
}

/// The head of the free list with another first, and one change more.
fn changed(head: u64, first: u32) -> u64 {
    ((head >> 32).wrapping_add(1) << 32) | u64::from(first)
}
