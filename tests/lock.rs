// SPDX-License-Identifier: LGPL-2.1-or-later
//! `src/handle/lock.rs` and `src/fork/gate.rs` under loom, which tries every order in
//! which the steps of the threads, and what they see of each other's, can come.

use std::cell::Cell;
use std::sync::Arc;

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::Relaxed;
use loom::thread;

use lock::Lock;

/// What the files are made of, as loom's.
mod sync {
    pub use loom::cell::UnsafeCell;
    pub use loom::sync::atomic::{AtomicU64, Ordering};
    pub use loom::thread::yield_now as pause;

    /// A word is waited for by looking at it again and again.
    pub fn wait(_word: &AtomicU64, _seen: u64) {
        loom::thread::yield_now();
    }

    pub fn wake(_word: &AtomicU64) {}

    pub fn generation() -> u32 {
        super::PROCESS.get()
    }

    loom::lazy_static! {
        pub static ref GATE: super::gate::Gate = super::gate::Gate::new(AtomicU64::new(0));
    }

    pub struct Change(());

    impl Change {
        pub fn begin() -> Self {
            GATE.enter();
            Change(())
        }
    }

    impl Drop for Change {
        fn drop(&mut self) {
            GATE.leave();
        }
    }
}

#[allow(dead_code, reason = "a test has no need of all of it")]
#[path = "../src/fork/gate.rs"]
mod gate;
#[allow(dead_code, reason = "a test has no need of all of it")]
#[path = "../src/handle/lock.rs"]
mod lock;

thread_local! {
    static PROCESS: Cell<u32> = const { Cell::new(0) };
}

/// Two numbers that are equal whenever nobody changes them. They are atomic, so that loom
/// lets other threads run between the two, and gives them old values where it may.
struct Two(AtomicU64, AtomicU64);
type Pair = Lock<Two>;

fn pair() -> Arc<Pair> {
    Arc::new(Pair::new(Two(AtomicU64::new(0), AtomicU64::new(0))))
}

fn change(pair: &Pair) {
    let pair = pair.write();
    for number in [&pair.0, &pair.1] {
        number.store(number.load(Relaxed) + 1, Relaxed);
    }
}

fn numbers(two: &Two) -> u64 {
    let (first, second) = (two.0.load(Relaxed), two.1.load(Relaxed));
    assert_eq!(first, second, "nothing is half changed");
    first
}

fn look(pair: &Pair) -> u64 {
    numbers(&pair.read())
}

/// In all orders with up to two preemptions.
fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(body);
}

#[test]
fn writers_exclude_all_others() {
    model(|| {
        let pair = pair();
        let writer = thread::spawn({
            let pair = pair.clone();
            move || change(&pair)
        });
        assert!(look(&pair) <= 1);
        change(&pair);
        assert!(look(&pair) >= 1);
        writer.join().unwrap();
        assert_eq!(look(&pair), 2, "no change is lost");
    });
}

#[test]
fn a_reader_reads_again_while_a_writer_waits() {
    model(|| {
        let pair = pair();
        let writer = thread::spawn({
            let pair = pair.clone();
            move || change(&pair)
        });
        let outer = pair.read();
        assert_eq!(look(&pair), numbers(&outer));
        drop(outer);
        writer.join().unwrap();
        assert_eq!(look(&pair), 1);
    });
}

/// Copies the lock as a fork does.
fn forked(pair: &Pair) -> Pair {
    sync::GATE.close(0);
    let child = pair.forked(|two| {
        Two(AtomicU64::new(two.0.load(Relaxed)), AtomicU64::new(two.1.load(Relaxed)))
    });
    sync::GATE.open();
    child
}

#[test]
fn a_child_finds_the_lock_free() {
    model(|| {
        PROCESS.set(0);
        let pair = pair();
        let writer = thread::spawn({
            let pair = pair.clone();
            move || change(&pair)
        });
        let child = forked(&pair);
        writer.join().unwrap();
        // loom runs all threads of a model on one: this is the child's part.
        PROCESS.set(1);
        let before = look(&child);
        change(&child);
        assert_eq!(look(&child), before + 1);
        PROCESS.set(0);
        assert_eq!(look(&pair), 1, "the parent's goes on");
    });
}

#[test]
fn a_hold_of_the_parent_is_void_in_the_child() {
    model(|| {
        PROCESS.set(0);
        let pair = pair();
        let reading = pair.read();
        PROCESS.set(1);
        change(&pair);
        drop(reading);
        let inner = pair.read();
        assert_eq!(numbers(&inner), 1);
        drop(inner);
        change(&pair);
        assert_eq!(look(&pair), 2);
        PROCESS.set(0);
    });
}
