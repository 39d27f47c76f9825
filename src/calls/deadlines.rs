// SPDX-License-Identifier: LGPL-2.1-or-later
//! What gives calls up when their time is over: a thread that sleeps until the next
//! deadline, and ends when there has been none for a while.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::core::{sigpipe, thread};
use crate::error::Result;
use crate::fork::{self, Leaf};

/// How long the thread waits for the next deadline.
const LINGER: Duration = Duration::from_secs(2);

/// When a call is given up, and what tells it from others that are then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Instant, u64);

impl Key {
    /// A new one.
    pub fn new(deadline: Instant) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Key(deadline, LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// What is told that its deadline has passed.
pub trait Late: Send + Sync {
    /// It has.
    fn is_late(self: Arc<Self>);
}

struct Deadlines {
    calls: BTreeMap<Key, Weak<dyn Late>>,
    /// Whether there is a thread.
    runs: bool,
    /// When it looks again; None while it is awake.
    wakes: Option<Instant>,
}

static DEADLINES: Leaf<Deadlines> =
    Leaf::of_process(Deadlines { calls: BTreeMap::new(), runs: false, wakes: None }, |deadlines| {
        // A child of fork has none of them, and no thread.
        fork::leave(&mut deadlines.calls);
        deadlines.runs = false;
        deadlines.wakes = None;
    });

/// There is a deadline before the thread wakes up.
static EARLIER: Condvar = Condvar::new();

impl Deadlines {
    /// Takes out the calls whose time is over.
    fn due(&mut self) -> Vec<Arc<dyn Late>> {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = self.calls.first_entry().filter(|first| first.key().0 <= now) {
            due.extend(first.remove().upgrade());
        }
        due
    }
}

/// From now on the call is given up then.
pub fn add(key: Option<Key>, call: Weak<impl Late + 'static>) -> Result<()> {
    let Some(key) = key else {
        return Ok(());
    };
    let mut deadlines = DEADLINES.lock();
    if !deadlines.runs {
        thread::spawn("vkvm-deadlines", run)?;
        deadlines.runs = true;
    }
    deadlines.calls.insert(key, call);
    // Most deadlines are later than the thread wakes up anyway, and calls are done before them.
    let is_earlier = deadlines.wakes.take_if(|wakes| key.0 < *wakes).is_some();
    drop(deadlines);
    if is_earlier {
        EARLIER.notify_one();
    }
    Ok(())
}

/// The call is done.
pub fn remove(key: Option<Key>) {
    if let Some(key) = key {
        let removed = DEADLINES.lock().calls.remove(&key);
        drop(removed);
    }
}

/// From now on who is told is told then. What it does there must not take long: other
/// deadlines wait for it.
pub fn set(key: Key, told: Weak<impl Late + 'static>) -> Result<()> {
    add(Some(key), told)
}

/// It is not told any more, unless that is under way.
pub fn end(key: Key) {
    remove(Some(key));
}

fn run() {
    while let Some(due) = next() {
        for call in due {
            call.is_late();
        }
    }
}

/// Waits for calls to give up; None where there have been no more deadlines for a while.
fn next() -> Option<Vec<Arc<dyn Late>>> {
    let mut guard = DEADLINES.lock();
    let mut idle_since = None;
    loop {
        let deadlines = &mut *guard;
        let due = deadlines.due();
        if !due.is_empty() {
            return Some(due);
        }
        let left = match deadlines.calls.first_key_value() {
            Some((first, _)) => {
                idle_since = None;
                first.0.saturating_duration_since(Instant::now())
            }
            None => LINGER.saturating_sub(idle_since.get_or_insert_with(Instant::now).elapsed()),
        };
        if left.is_zero() && idle_since.is_some() {
            deadlines.runs = false;
            return None;
        }
        guard = sleep(guard, left);
    }
}

fn sleep(
    mut guard: MutexGuard<'static, Deadlines>,
    left: Duration,
) -> MutexGuard<'static, Deadlines> {
    // A fork does not wait for who sleeps; who wakes up may have to wait for a fork, and does not
    // hold the lock meanwhile.
    guard.wakes = Some(Instant::now() + left);
    sigpipe::outside(|| {
        drop(EARLIER.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner));
    });
    let mut guard = DEADLINES.lock();
    guard.wakes = None;
    guard
}
