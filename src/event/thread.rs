// SPDX-License-Identifier: LGPL-2.1-or-later
//! A thread of the library that runs the loop, for programs without one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Condvar;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::choice::{self, Choice};
use super::runner::{Runner, State, Thread};
use super::{default_loop, deferred, poll};
use crate::core::{sigpipe, thread};
use crate::error::{Misuse, Result};
use crate::fork::{self, Leaf};

thread_local! {
    /// The number of this thread, if it is one of these. Of all others the standard
    /// library would make a handle that stays behind, to tell its own number.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

static RUNNER: Runner<JoinHandle<()>> = Runner::new(Leaf::new(State::new()), Condvar::new());

/// Whether the library's thread runs the loop.
pub fn is_started() -> bool {
    choice::current() == Choice::Thread && !choice::is_left_behind() && RUNNER.is_wanted()
}

/// What is to be run after events, by numbers: here, so that who stops the loop can run it.
static AFTER_EVENTS: Leaf<BTreeMap<u64, deferred::Job>> =
    // A child of fork runs none of the parent's.
    Leaf::of_process(BTreeMap::new(), fork::leave);

/// Runs `job` on that thread, after all events that libvirt has read by now, or when the loop is
/// stopped before that. Whether it will be: not where the program runs the loop, which it may have
/// stopped, nor for that thread itself, which could not wait for it.
pub fn after_what_was_read(job: impl FnOnce() + Send + 'static) -> bool {
    static LAST: AtomicU64 = AtomicU64::new(0);
    if !is_started() || NUMBER.get() != 0 {
        return false;
    }
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    AFTER_EVENTS.lock().insert(number, Box::new(job));
    let run = move || {
        let job = AFTER_EVENTS.lock().remove(&number);
        job.into_iter().for_each(|job| job());
    };
    // libvirt tells of what it has read in the next turn.
    let next = move || {
        if deferred::defer(Box::new(run)).is_err() {
            run();
        }
    };
    let is_coming = deferred::defer(Box::new(next)).is_ok() && is_started();
    // Who has stopped the loop meanwhile may not have seen it.
    is_coming || AFTER_EVENTS.lock().remove(&number).is_none()
}

/// The loop is stopped: nobody tells of what was read.
fn wait_for_no_more_events() {
    let jobs = std::mem::take(&mut *AFTER_EVENTS.lock());
    jobs.into_values().for_each(|job| job());
}

/// Chooses the library's loop, and starts a thread that runs it. If it runs already,
/// nothing happens. In a child of fork the loop is the child's own.
pub fn start() -> Result<()> {
    const WHAT: &str = "starting the event loop";
    choice::choose(Choice::Thread, WHAT, || poll::install(WHAT))?;
    let ended = RUNNER.start(|number| thread::spawn("vkvm-events", move || run(number)))?;
    choice::adopt();
    if let Some(ended) = ended {
        join(ended);
    }
    Ok(())
}

/// Stops the thread: when this returns no callback runs any more, unless it was
/// called by one, which then is the last.
pub fn stop() -> Result<()> {
    const WHAT: &str = "stopping the event loop";
    if choice::current() != Choice::Thread {
        return Err(Misuse::EventLoopNotStarted { what: WHAT }.into());
    }
    choice::ready(WHAT)?;
    if let Some(stop) = RUNNER.stop(NUMBER.get()) {
        poll::wake();
        // Released before it is back in the library: a fork may hold that up.
        let ended = sigpipe::outside(|| RUNNER.wait(stop));
        if let Some(ended) = ended {
            join(ended);
        }
    }
    wait_for_no_more_events();
    Ok(())
}

/// Waits for a thread that is about to end. It does not panic: whatever it calls is
/// shielded.
fn join(ended: Thread<JoinHandle<()>>) {
    if ended.number != NUMBER.get() {
        let _ = sigpipe::outside(|| ended.handle.join());
    }
}

fn run(number: u64) {
    NUMBER.set(number);
    while RUNNER.begin_turn(number) {
        if sigpipe::inside(|| default_loop::turn(&|| RUNNER.goes_on(number))).is_err() {
            // Without memory or descriptors; it must not use up the CPU then.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
