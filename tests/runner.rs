// SPDX-License-Identifier: LGPL-2.1-or-later
//! `src/event/runner.rs` under loom, which tries every order in which the steps of the
//! threads can come: starting and stopping the library's thread, from others and from its
//! own callbacks.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Mutex as Plain;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use runner::{Runner, State, Thread};

/// What the file is made of, as loom's.
mod sync {
    pub use loom::sync::{Condvar, MutexGuard};

    pub struct Leaf<T>(loom::sync::Mutex<T>);

    impl<T> Leaf<T> {
        pub fn new(content: T) -> Self {
            Leaf(loom::sync::Mutex::new(content))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    pub fn wait<'g, T>(condition: &Condvar, guard: MutexGuard<'g, T>) -> MutexGuard<'g, T> {
        condition.wait(guard).unwrap()
    }

    pub fn generation() -> u32 {
        super::PROCESS.get()
    }
}

#[path = "../src/event/runner.rs"]
mod runner;

thread_local! {
    static PROCESS: Cell<u32> = const { Cell::new(0) };
}

/// What a callback does: it gets the number of the thread that calls it.
type Callback = fn(&'static Library, u64);

#[derive(Default)]
struct Calls {
    /// What is to be called.
    waiting: VecDeque<Callback>,
    is_woken: bool,
    is_asleep: bool,
}

/// As much of the library as has to do with it.
struct Library {
    runner: Runner<JoinHandle<()>>,
    /// The loop.
    calls: Mutex<Calls>,
    woken: Condvar,
    asleep: Condvar,
    calling: AtomicBool,
    called: Mutex<usize>,
    call_ended: Condvar,
    /// The numbers of the threads that run.
    threads: Plain<Vec<u64>>,
}

fn library() -> &'static Library {
    Box::leak(Box::new(Library {
        runner: Runner::new(sync::Leaf::new(State::new()), Condvar::new()),
        calls: Mutex::default(),
        woken: Condvar::new(),
        asleep: Condvar::new(),
        calling: AtomicBool::new(false),
        called: Mutex::new(0),
        call_ended: Condvar::new(),
        threads: Plain::default(),
    }))
}

impl Library {
    fn start(&'static self, me: u64) {
        let spawn = |number| Ok::<_, ()>(thread::spawn(move || self.run(number)));
        let ended = self.runner.start(spawn).unwrap();
        Library::join(ended, me);
    }

    fn stop(&'static self, me: u64) {
        let Some(stop) = self.runner.stop(me) else {
            return;
        };
        self.wake(None);
        Library::join(self.runner.wait(stop), me);
    }

    fn join(ended: Option<Thread<JoinHandle<()>>>, me: u64) {
        if let Some(ended) = ended.filter(|ended| ended.number != me) {
            ended.handle.join().unwrap();
        }
    }

    fn wake(&self, call: Option<Callback>) {
        let mut calls = self.calls.lock().unwrap();
        calls.waiting.extend(call);
        calls.is_woken = true;
        self.woken.notify_all();
    }

    /// The thread.
    fn run(&'static self, number: u64) {
        self.threads.lock().unwrap().push(number);
        let process = PROCESS.get();
        while process == PROCESS.get() && self.runner.begin_turn(number) {
            self.turn(number, process);
        }
        self.threads.lock().unwrap().retain(|other| *other != number);
    }

    /// Sleeps until it is woken up, and calls who wants to know.
    fn turn(&'static self, number: u64, process: u32) {
        let mut calls = self.calls.lock().unwrap();
        while !calls.is_woken && process == PROCESS.get() {
            calls.is_asleep = true;
            self.asleep.notify_all();
            calls = self.woken.wait(calls).unwrap();
        }
        calls.is_asleep = false;
        if process != PROCESS.get() {
            return;
        }
        calls.is_woken = false;
        drop(calls);
        while self.runner.goes_on(number) {
            let Some(call) = self.calls.lock().unwrap().waiting.pop_front() else {
                return;
            };
            assert!(!self.calling.swap(true, Ordering::SeqCst), "two threads run the loop");
            call(self, number);
            self.calling.store(false, Ordering::SeqCst);
            *self.called.lock().unwrap() += 1;
            self.call_ended.notify_all();
        }
        // What is left over is for the next turn, which must not sleep before.
        let mut calls = self.calls.lock().unwrap();
        calls.is_woken |= !calls.waiting.is_empty();
    }

    /// Waits until so many callbacks were called.
    fn wait_for_calls(&self, count: usize) {
        let mut called = self.called.lock().unwrap();
        while *called < count {
            called = self.call_ended.wait(called).unwrap();
        }
    }

    fn wait_for_sleep(&self) {
        let mut calls = self.calls.lock().unwrap();
        while !calls.is_asleep {
            calls = self.asleep.wait(calls).unwrap();
        }
    }

    /// Nothing runs, and nobody waits to be joined.
    fn expect_over(&'static self) {
        assert!(!self.runner.is_wanted());
        self.stop(NOBODY);
        assert!(!self.calling.load(Ordering::SeqCst));
    }

    /// It is started once more, and works; then it is stopped.
    fn expect_usable(&'static self) {
        self.start(NOBODY);
        assert!(self.runner.is_wanted());
        let count = *self.called.lock().unwrap();
        self.wake(Some(nothing));
        self.wait_for_calls(count + 1);
        self.stop(NOBODY);
        self.expect_over();
    }
}

/// Not one of the library's threads.
const NOBODY: u64 = 0;

fn nothing(_: &'static Library, _: u64) {}

fn look_around(library: &'static Library, _: u64) {
    thread::yield_now();
    assert!(library.calling.load(Ordering::SeqCst));
}

fn stop(library: &'static Library, me: u64) {
    library.stop(me);
    assert!(!library.runner.goes_on(me), "this callback is the last");
}

fn restart(library: &'static Library, me: u64) {
    library.stop(me);
    library.start(me);
}

/// In all orders with up to two preemptions.
fn model(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(body);
}

#[test]
fn after_a_stop_no_callback_runs() {
    model(|| {
        let library = library();
        library.start(NOBODY);
        library.wake(Some(look_around));
        library.wake(Some(look_around));
        library.stop(NOBODY);
        assert!(!library.calling.load(Ordering::SeqCst));
        let called = *library.called.lock().unwrap();
        library.wake(Some(look_around));
        library.expect_over();
        assert_eq!(*library.called.lock().unwrap(), called);
        assert!(library.threads.lock().unwrap().is_empty());
    });
}

#[test]
fn two_who_stop_it_both_return() {
    model(|| {
        let library = library();
        library.start(NOBODY);
        let other = thread::spawn(move || library.stop(NOBODY));
        library.stop(NOBODY);
        assert!(!library.calling.load(Ordering::SeqCst));
        other.join().unwrap();
        library.expect_over();
    });
}

#[test]
fn two_who_start_it_have_one_thread() {
    model(|| {
        let library = library();
        let other = thread::spawn(move || library.start(NOBODY));
        library.start(NOBODY);
        library.wake(Some(nothing));
        library.wait_for_calls(1);
        other.join().unwrap();
        library.stop(NOBODY);
        library.expect_over();
    });
}

#[test]
fn who_starts_it_while_it_is_stopped_finds_it_usable() {
    model(|| {
        let library = library();
        library.start(NOBODY);
        let other = thread::spawn(move || library.stop(NOBODY));
        library.start(NOBODY);
        other.join().unwrap();
        // The last one has decided.
        if library.runner.is_wanted() {
            library.wake(Some(nothing));
            library.wait_for_calls(1);
        }
        library.stop(NOBODY);
        library.expect_over();
    });
}

#[test]
fn a_callback_stops_it_and_another_thread_does_too() {
    model(|| {
        let library = library();
        library.start(NOBODY);
        library.wake(Some(stop));
        library.stop(NOBODY);
        library.expect_over();
        library.calls.lock().unwrap().waiting.clear();
        library.expect_usable();
    });
}

#[test]
fn a_callback_stops_it_while_another_thread_starts_it() {
    model(|| {
        let library = library();
        library.start(NOBODY);
        library.wake(Some(stop));
        library.start(NOBODY);
        library.wait_for_calls(1);
        library.stop(NOBODY);
        library.expect_over();
    });
}

#[test]
fn a_callback_restarts_it_while_another_thread_stops_it() {
    model(|| {
        let library = library();
        library.start(NOBODY);
        library.wake(Some(restart));
        library.stop(NOBODY);
        // The callback may have come later, and started it again.
        library.stop(NOBODY);
        library.expect_over();
    });
}

#[test]
fn a_child_has_no_thread_until_it_starts_one() {
    model(|| {
        PROCESS.set(0);
        let library = library();
        library.start(NOBODY);
        library.wait_for_sleep();
        // The parent's thread is not there any more.
        PROCESS.set(1);
        library.wake(None);
        assert!(!library.runner.is_wanted());
        library.stop(NOBODY);
        library.expect_usable();
    });
}
