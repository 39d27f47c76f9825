//! A thread of the library that runs the loop, for programs without one.

use std::cell::Cell;
use std::sync::{Condvar, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::choice::{self, Choice};
use super::{default_loop, poll};
use crate::core::{sigpipe, thread};
use crate::error::Result;
use crate::fork::{self, Leaf};

/// What the thread is to do, and what it does. There is one thread at most: one that is
/// to stop and then to start goes on in between, so nobody has to wait for a start.
struct Runner {
    /// The process that all this is about.
    generation: u32,
    /// Whether the loop is to run.
    wanted: bool,
    /// How often it was to stop, and how often of that it has.
    stops: u64,
    stopped: u64,
    /// The number of the last thread.
    last: u64,
    /// It, while it runs or is about to end.
    thread: Option<Thread>,
    /// The number of the one that runs.
    running: Option<u64>,
}

struct Thread {
    number: u64,
    handle: JoinHandle<()>,
}

thread_local! {
    /// The number of this thread, if it is one of these. Of all others the standard
    /// library would make a handle that stays behind, to tell its own number.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

static RUNNER: Leaf<Runner> = Leaf::new(Runner {
    generation: 0,
    wanted: false,
    stops: 0,
    stopped: 0,
    last: 0,
    thread: None,
    running: None,
});

/// The thread has stopped.
static STOPPED: Condvar = Condvar::new();

impl Runner {
    /// A child of fork has no such thread.
    fn here(&mut self) -> &mut Self {
        if self.generation != fork::generation() {
            self.generation = fork::generation();
            self.wanted = false;
            self.stopped = self.stops;
            self.running = None;
            // There is nothing to be let go of.
            std::mem::forget(self.thread.take());
        }
        self
    }
}

/// Whether the library's thread runs the loop.
pub fn is_started() -> bool {
    choice::current() == Choice::Thread && !choice::is_left_behind() && RUNNER.lock().here().wanted
}

/// Chooses the library's loop, and starts a thread that runs it. If it runs already,
/// nothing happens. In a child of fork the loop is the child's own.
pub fn start() -> Result<()> {
    const WHAT: &str = "starting the event loop";
    choice::choose(Choice::Thread, WHAT, || poll::install(WHAT))?;
    let ended = {
        let mut runner = RUNNER.lock();
        let runner = runner.here();
        if runner.running.is_some() {
            runner.wanted = true;
            None
        } else {
            let number = runner.last + 1;
            let handle = thread::spawn("vkvm-events", move || run(number))?;
            runner.last = number;
            runner.wanted = true;
            runner.running = Some(number);
            runner.thread.replace(Thread { number, handle })
        }
    };
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
        return choice::refuse(WHAT, "vkvm_event_start was not called");
    }
    choice::ready(WHAT)?;
    let (process, number) = {
        let mut runner = RUNNER.lock();
        let runner = runner.here();
        if runner.running.is_none() {
            return Ok(());
        }
        runner.wanted = false;
        runner.stops += 1;
        if runner.running == Some(NUMBER.get()) {
            // It cannot wait for itself.
            return Ok(());
        }
        (runner.generation, runner.stops)
    };
    poll::wake();
    // Released before it is back in the library: a fork may hold that up.
    let ended = sigpipe::outside(|| {
        let mut runner = RUNNER.lock();
        while runner.here().generation == process && runner.stopped < number {
            runner = STOPPED.wait(runner).unwrap_or_else(PoisonError::into_inner);
        }
        // It may have been started again already.
        if runner.running.is_none() { runner.thread.take() } else { None }
    });
    if let Some(ended) = ended {
        join(ended);
    }
    Ok(())
}

/// Waits for a thread that is about to end. It does not panic: whatever it calls is
/// shielded.
fn join(ended: Thread) {
    if ended.number != NUMBER.get() {
        let _ = sigpipe::outside(|| ended.handle.join());
    }
}

/// Whether this thread is to go on with its turn: it was not told to stop.
fn goes_on() -> bool {
    let mut runner = RUNNER.lock();
    let runner = runner.here();
    runner.running == Some(NUMBER.get()) && runner.stops == runner.stopped
}

/// Takes notice of being stopped. False: the thread ends.
fn begin_turn() -> bool {
    let mut runner = RUNNER.lock();
    let runner = runner.here();
    if runner.running != Some(NUMBER.get()) {
        return false; // a child that was forked in a callback
    }
    if runner.stopped != runner.stops {
        runner.stopped = runner.stops;
        STOPPED.notify_all();
    }
    if !runner.wanted {
        runner.running = None;
    }
    runner.wanted
}

fn run(number: u64) {
    NUMBER.set(number);
    while begin_turn() {
        if sigpipe::inside(|| default_loop::turn(&goes_on)).is_err() {
            // Without memory or descriptors; it must not use up the CPU then.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
