// SPDX-License-Identifier: LGPL-2.1-or-later
//! The threads that close connections where nobody waits for that: one for each connection
//! at work at once, because one whose daemon does not answer must not hold up another's.
//!
//! A thread whose connection is through takes another one, or waits for a moment: programs
//! free objects by the thousand, each of which may be the last that keeps its connection.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Condvar, PoisonError};
use std::time::Duration;

use super::{sigpipe, thread};
use crate::fork::{self, Leaf};

/// How long a thread waits for the next connection.
const LINGER: Duration = Duration::from_millis(100);

/// What is done on such a thread.
type Job = Box<dyn FnOnce() + Send>;

struct Closer {
    /// By the addresses of connections, those included that a thread is at work on.
    jobs: BTreeMap<usize, VecDeque<Job>>,
    /// The connections that no thread has taken yet.
    ready: VecDeque<usize>,
    /// How many threads wait for one.
    idle: usize,
}

static CLOSER: Leaf<Closer> =
    Leaf::of_process(Closer { jobs: BTreeMap::new(), ready: VecDeque::new(), idle: 0 }, |closer| {
        // A child of fork has no such threads, and what they close is its parent's.
        fork::leave(&mut closer.jobs);
        closer.ready.clear();
        closer.idle = 0;
    });

/// There is a connection that is ready.
static READY: Condvar = Condvar::new();

impl Closer {
    /// Adds a job. Whether a thread is needed for it: one that waits, or a new one.
    fn add(&mut self, conn: usize, job: Job) -> Needed {
        if let Some(jobs) = self.jobs.get_mut(&conn) {
            jobs.push_back(job);
            return Needed::Nobody;
        }
        self.jobs.insert(conn, VecDeque::from([job]));
        self.ready.push_back(conn);
        // Those that were woken and have not looked yet are idle, and theirs are ready.
        if self.ready.len() > self.idle { Needed::New } else { Needed::Idle }
    }

    /// The next job of a connection that this thread has taken; where there is none, the
    /// connection is through.
    fn next(&mut self, conn: usize) -> Option<Job> {
        let job = self.jobs.get_mut(&conn).and_then(VecDeque::pop_front);
        if job.is_none() {
            self.jobs.remove(&conn);
        }
        job
    }
}

/// The thread for a job.
enum Needed {
    /// It has taken the job's connection already, or will.
    Nobody,
    Idle,
    New,
}

/// Does what may close the connection with this address, after what else was to be done for
/// it: on a thread of its own, or here if there is none to be had.
pub fn run(conn: usize, job: impl FnOnce() + Send + 'static) {
    let needed = CLOSER.lock().add(conn, Box::new(job));
    match needed {
        Needed::Nobody => {}
        Needed::Idle => READY.notify_one(),
        Needed::New => {
            if thread::spawn("vkvm-close", work).is_err() {
                while let Some(conn) = take() {
                    finish(conn);
                }
            }
        }
    }
}

/// Takes a connection that is ready.
fn take() -> Option<usize> {
    CLOSER.lock().ready.pop_front()
}

fn work() {
    while let Some(conn) = wait() {
        finish(conn);
    }
}

/// Does all that there is to do for a connection.
fn finish(conn: usize) {
    // Between two jobs a fork need not wait.
    while let Some(job) = sigpipe::outside(|| CLOSER.lock().next(conn)) {
        sigpipe::shield();
        // What is still to be done does not depend on it, and its panic was reported.
        drop(panic::catch_unwind(AssertUnwindSafe(job)));
    }
}

/// Waits for a connection; None where there has been none for a while.
fn wait() -> Option<usize> {
    // A fork does not wait for who sleeps.
    sigpipe::outside(|| {
        let mut closer = CLOSER.lock();
        loop {
            if let Some(conn) = closer.ready.pop_front() {
                return Some(conn);
            }
            closer.idle += 1;
            let waited = READY.wait_timeout(closer, LINGER).unwrap_or_else(PoisonError::into_inner);
            closer = waited.0;
            closer.idle -= 1;
            if waited.1.timed_out() && closer.ready.is_empty() {
                return None;
            }
        }
    })
}
