// SPDX-License-Identifier: LGPL-2.1-or-later
//! `src/handle/slots.rs` under loom, which tries every order in which the
//! steps of the threads, and what they see of each other's, can come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread;
use slots::Slots;

/// What the file is made of, as loom's.
mod sync {
    pub use loom::cell::UnsafeCell;
    pub use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

    /// So small that the threads meet at the border of the segments.
    pub const FIRST_SEGMENT: usize = 2;
    /// So few that they are soon used up.
    pub const GENERATION_BITS: u32 = 2;

    /// Loom's are not made of zeros.
    pub unsafe fn zeroed<T>(count: usize, new: fn() -> T) -> Option<Box<[T]>> {
        Some((0..count).map(|_| new()).collect())
    }
}

#[allow(dead_code, reason = "a test has no need of all of it")]
#[path = "../src/handle/slots.rs"]
mod slots;

/// Has a number, and counts how often it was dropped. The number is in loom's
/// cell: to read it while another thread drops it is an error of the test.
struct Probe {
    number: loom::cell::UnsafeCell<usize>,
    drops: Arc<AtomicUsize>,
}

// SAFETY: that nobody else has the cell when it is changed is what is tested.
unsafe impl Sync for Probe {}

impl Probe {
    fn number(&self) -> usize {
        // SAFETY: as above.
        self.number.with(|number| unsafe { *number })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // SAFETY: as above.
        self.number.with_mut(|number| unsafe { *number = 0 });
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

/// One table for the threads of a run, and how many objects it dropped.
struct Table {
    slots: &'static Slots<Probe>,
    drops: Arc<AtomicUsize>,
}

impl Table {
    fn new() -> Self {
        // As long as the program, as the library's; loom starts anew often.
        Table { slots: Box::leak(Box::new(Slots::new())), drops: Arc::default() }
    }

    fn insert(&self, number: usize) -> u64 {
        let number = loom::cell::UnsafeCell::new(number);
        self.slots.insert(|| Probe { number, drops: self.drops.clone() }).expect("there is room")
    }

    /// Starts a thread that works with the table.
    fn spawn<R: 'static>(&self, work: impl FnOnce(&Table) -> R + 'static) -> thread::JoinHandle<R> {
        let table = Table { slots: self.slots, drops: self.drops.clone() };
        thread::spawn(move || work(&table))
    }

    fn drops(&self) -> usize {
        self.drops.load(Ordering::SeqCst)
    }
}

#[test]
fn an_object_outlives_its_uses_and_no_more() {
    loom::model(|| {
        let table = Table::new();
        let key = table.insert(7);
        let user = table.spawn(move |table| {
            if let Some(used) = table.slots.get(key) {
                assert_eq!(used.number(), 7);
                thread::yield_now();
                assert_eq!(used.number(), 7);
            }
        });
        assert!(table.slots.release(key).is_some());
        assert!(table.slots.get(key).is_none());
        user.join().unwrap();
        assert_eq!((table.drops(), table.slots.count()), (1, 0));
    });
}

#[test]
fn removing_ends_all_holds_but_not_the_uses_of_others() {
    loom::model(|| {
        let table = Table::new();
        let key = table.insert(7);
        assert!(table.slots.retain(key));
        let user = table.spawn(move |table| table.slots.get(key).map(|used| used.number()));
        let removed = table.slots.remove(key).expect("it was there");
        assert!(table.slots.get(key).is_none(), "although it was held twice");
        assert!(table.slots.remove(key).is_none());
        assert!(!table.slots.retain(key));
        assert_eq!((removed.number(), table.drops()), (7, 0));
        let seen = user.join().unwrap();
        assert!(seen.is_none_or(|number| number == 7));
        drop(removed);
        assert_eq!((table.drops(), table.slots.count()), (1, 0));
    });
}

#[test]
fn of_all_who_release_one_is_the_last() {
    loom::model(|| {
        let table = Table::new();
        let key = table.insert(7);
        assert!(table.slots.retain(key));
        let other = table.spawn(move |table| table.slots.release(key).is_some());
        let last = table.slots.release(key).is_some();
        assert_ne!(other.join().unwrap(), last);
        assert_eq!((table.drops(), table.slots.count()), (1, 0));
        assert!(table.slots.release(key).is_none());
    });
}

#[test]
fn a_use_that_takes_over_a_hold_is_alone_only_when_it_is() {
    loom::model(|| {
        let table = Table::new();
        let key = table.insert(7);
        let other = table.spawn(move |table| {
            table.slots.get(key).map(|used| used.number());
        });
        let mut taken = table.slots.release_to_use(key).expect("was live");
        if let Some(probe) = taken.alone() {
            // SAFETY: as above.
            probe.number.with_mut(|number| unsafe { *number = 8 });
        }
        other.join().unwrap();
        assert!(taken.alone().is_some());
        drop(taken);
        assert_eq!((table.drops(), table.slots.count()), (1, 0));
    });
}

#[test]
fn an_old_key_never_finds_the_next_object_of_its_slot() {
    loom::model(|| {
        let table = Table::new();
        let key = table.insert(7);
        let other = table.spawn(move |table| {
            if let Some(used) = table.slots.get(key) {
                assert_eq!(used.number(), 7);
            }
            table.slots.release(key);
        });
        table.slots.release(key);
        let next = table.insert(8);
        assert_ne!(next, key);
        assert_eq!(table.slots.get(next).expect("is live").number(), 8);
        other.join().unwrap();
        assert!(table.slots.get(key).is_none());
        assert!(table.slots.is_live(next));
        assert_eq!((table.drops(), table.slots.count()), (1, 1));
    });
}

#[test]
fn threads_that_make_and_free_at_once_get_slots_of_their_own() {
    // With two preemptions in a thread: without a limit it takes hours.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let table = Table::new();
        let work = |table: &Table, number| {
            let first = table.insert(number);
            table.slots.release(first);
            let keys = [table.insert(number), table.insert(number + 1)];
            assert_eq!(table.slots.get(keys[0]).expect("is live").number(), number);
            assert_eq!(table.slots.get(keys[1]).expect("is live").number(), number + 1);
            table.slots.release(keys[0]);
            keys[1]
        };
        let other = table.spawn(move |table| work(table, 10));
        let ours = work(&table, 20);
        let theirs = other.join().unwrap();
        assert_ne!(ours, theirs);
        assert_eq!((table.drops(), table.slots.count()), (4, 2));
    });
}

#[test]
fn no_key_ever_comes_again() {
    loom::model(|| {
        let table = Table::new();
        let mut keys = std::collections::HashSet::new();
        for number in 0..20 {
            let key = table.insert(number);
            assert!(keys.insert(key), "{key:#x} came again");
            assert!(table.slots.release(key).is_some());
        }
        assert!(keys.iter().all(|key| table.slots.get(*key).is_none()));
        assert_eq!((table.drops(), table.slots.count()), (20, 0));
    });
}

#[test]
fn two_threads_free_what_one_has_made_and_used() {
    loom::model(|| {
        let table = Table::new();
        let [old, key] = [table.insert(6), table.insert(7)];
        assert!(table.slots.retain(key));
        let used = table.slots.get(key).expect("is live");
        assert!(table.slots.release(key).is_none());
        drop(table.slots.get(key).expect("is live"));
        assert!(table.slots.release(old).is_some());
        assert!(table.slots.get(old).is_none());
        let next = table.insert(8);
        assert!(!table.slots.is_live(old) && table.slots.is_live(next));
        assert_eq!((table.drops(), table.slots.count()), (1, 2));

        let other = table.spawn(move |table| {
            assert_eq!(table.slots.get(next).expect("is live").number(), 8);
            table.slots.release(key);
            table.slots.release(next);
        });
        assert_eq!(used.number(), 7);
        drop(used);
        other.join().unwrap();
        assert_eq!((table.drops(), table.slots.count()), (3, 0));

        let mut taken = table.slots.release_to_use(table.insert(9)).expect("was live");
        assert!(taken.alone().is_some());
        drop(taken);
        assert_eq!((table.drops(), table.slots.count()), (4, 0));
    });
}

/// As the library does once a connection may be replaced: who is told so from then on
/// takes a pin, and who did not is through when a use with a pin is the only one.
#[test]
fn who_is_the_only_user_comes_after_all_who_were_not_told() {
    loom::model(|| {
        let table = Table::new();
        let told = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let key = table.insert(7);
        let user = {
            let told = told.clone();
            table.spawn(move |table| {
                let used = table.slots.get(key).expect("it is live");
                if !told.load(loom::sync::atomic::Ordering::Acquire) {
                    assert_eq!(used.number(), 7, "it is as it was all the time");
                }
            })
        };
        told.store(true, loom::sync::atomic::Ordering::Release);
        let used = table.slots.get(key).expect("it is live");
        if used.is_only() {
            // SAFETY: that nobody else has it is what is tested.
            used.number.with_mut(|number| unsafe { *number = 8 });
        }
        user.join().unwrap();
        drop(used);
        assert!(table.slots.release(key).is_some());
    });
}
