// SPDX-License-Identifier: LGPL-2.1-or-later
//! The threads that make calls, and the lanes that the calls go through.
//!
//! There are no more threads than calls that go on at once. A thread whose call is done
//! makes the next one of the same lane, or else of another one, or waits for one, and ends
//! when there has been none for a while.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, PoisonError};
use std::time::Duration;

use super::via::{Group, Key, Via, Way};
use crate::core::lane::Lane;
use crate::core::{sigpipe, thread};
use crate::error::{Misuse, Result};
use crate::fork::{self, Leaf};

/// How long a thread waits for the next call.
const LINGER: Duration = Duration::from_secs(2);

/// How many calls there are on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Threads are at work on them.
    pub running: usize,
    /// They have not begun.
    pub waiting: usize,
    /// They were given up, and libvirt has not answered yet.
    pub abandoned: usize,
}

/// A call, as the threads that make calls see it.
pub trait Work: Send + Sync {
    /// What it goes through.
    fn via(&self) -> &Via;
    /// Makes it, unless it was given up.
    fn make(self: Arc<Self>);
    /// Whether it has neither begun nor been given up.
    fn is_waiting(&self) -> bool;
    /// Whether this thread makes it. Only what may end its own lane has to say so.
    fn is_made_here(&self) -> bool {
        false
    }
    /// Gives it up, unless it is done.
    fn give_up(self: Arc<Self>, why: &'static str);
}

/// The calls that go through one lane.
#[derive(Default)]
struct Calls {
    running: Vec<Arc<dyn Work>>,
    /// Those that were given up are left out when their turn comes.
    waiting: VecDeque<Arc<dyn Work>>,
    abandoned: Vec<Arc<dyn Work>>,
}

struct Pool {
    /// Those with calls.
    lanes: BTreeMap<Key, Calls>,
    /// Calls of which the lane has let through, and which no thread has taken yet.
    ready: VecDeque<Arc<dyn Work>>,
    /// How many threads wait for one.
    idle: usize,
    /// Whether one of them was woken that has not looked yet: it wakes the next one itself, if
    /// there is more to do then. Short calls are over before a second thread has come.
    is_woken: bool,
}

/// The threads for calls that were let through.
#[derive(Default)]
#[must_use]
struct Needed {
    /// One that waits for calls.
    idle: bool,
    new: usize,
}

impl Needed {
    /// Wakes and starts them, not under the lock, which they take first.
    fn get(self) -> Result<()> {
        if self.idle {
            READY.notify_one();
        }
        (0..self.new).try_for_each(|_| thread::spawn("vkvm-call", work).map(drop))
    }
}

static POOL: Leaf<Pool> = Leaf::of_process(
    Pool { lanes: BTreeMap::new(), ready: VecDeque::new(), idle: 0, is_woken: false },
    |pool| {
        // A child of fork has neither the calls nor the threads.
        fork::leave(&mut pool.lanes);
        fork::leave(&mut pool.ready);
        pool.idle = 0;
        pool.is_woken = false;
    },
);

/// There are calls that are ready.
static READY: Condvar = Condvar::new();

impl Calls {
    fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty() && self.abandoned.is_empty()
    }

    /// Whether one more can go on.
    fn has_room(&self, via: &Via) -> bool {
        self.running.len() < via.max_calls() && self.abandoned.len() < via.most_abandoned()
    }

    /// The next call that can go on now.
    fn next(&mut self) -> Option<Arc<dyn Work>> {
        while let Some(first) = self.waiting.front() {
            if !self.has_room(first.via()) {
                return None;
            }
            let call = self.waiting.pop_front().filter(|call| call.is_waiting());
            if let Some(call) = call {
                self.running.push(Arc::clone(&call));
                return Some(call);
            }
        }
        None
    }

    fn counts(&self) -> Counts {
        // What was let through has not begun before a thread has taken it.
        let ready = self.running.iter().filter(|call| call.is_waiting()).count();
        let waiting = self.waiting.iter().filter(|call| call.is_waiting()).count();
        Counts {
            running: self.running.len() - ready,
            waiting: waiting + ready,
            abandoned: self.abandoned.len(),
        }
    }
}

/// Takes a call out of a list. Whether it was there.
fn take(calls: &mut Vec<Arc<dyn Work>>, call: &Arc<dyn Work>) -> bool {
    let place = calls.iter().position(|other| Arc::ptr_eq(other, call));
    place.map(|place| calls.swap_remove(place)).is_some()
}

impl Pool {
    /// Lets calls of a lane through.
    fn let_through(&mut self, key: &Key) -> Needed {
        let mut needed = Needed::default();
        while let Some(call) = self.lanes.get_mut(key).and_then(Calls::next) {
            self.ready.push_back(call);
            if self.ready.len() > self.idle {
                needed.new += 1;
            }
        }
        needed.idle = self.wakes();
        self.forget_if_empty(key);
        needed
    }

    /// Whether a thread that waits has to be woken now.
    fn wakes(&mut self) -> bool {
        let wakes = !self.is_woken && self.idle > 0 && !self.ready.is_empty();
        self.is_woken |= wakes;
        wakes
    }

    /// The calls on a connection, those of its streams included.
    fn on_connection(&self, lane: &Lane) -> impl Iterator<Item = &Calls> {
        let number = lane.number();
        let streams = Key::Stream(number, 0, Way::In)..=Key::Stream(number, usize::MAX, Way::Out);
        let streams = self.lanes.range(streams).map(|(_, calls)| calls);
        self.lanes.get(&Key::Lane(number)).into_iter().chain(streams)
    }

    fn forget_if_empty(&mut self, key: &Key) {
        if self.lanes.get(key).is_some_and(Calls::is_empty) {
            self.lanes.remove(key);
        }
    }
}

/// Lets a thread make the call when its turn comes.
pub fn submit(call: Arc<dyn Work>) -> Result<()> {
    let key = call.via().key();
    let needed = {
        let mut pool = POOL.lock();
        let calls = pool.lanes.entry(key.clone()).or_default();
        let most = call.via().most_abandoned();
        if calls.abandoned.len() >= most {
            let what = format!(
                "{most} calls to {} were given up and are not answered yet; open another \
                 connection, or wait",
                call.via()
            );
            return Err(Misuse::Busy { what }.into());
        }
        calls.waiting.push_back(Arc::clone(&call));
        pool.let_through(&key)
    };
    needed.get().inspect_err(|_| {
        // Perhaps another thread has taken it by now.
        call.give_up("there is no thread for it");
    })
}

/// A call that runs was given up.
pub fn abandon(call: &Arc<dyn Work>) {
    let key = call.via().key();
    let needed = {
        let mut pool = POOL.lock();
        let Some(calls) = pool.lanes.get_mut(&key) else {
            return;
        };
        // Its thread may have been faster.
        if take(&mut calls.running, call) {
            calls.abandoned.push(Arc::clone(call));
            call.via().give_up();
        }
        pool.let_through(&key)
    };
    // Without new threads they wait for those that there are.
    let _ = needed.get();
}

/// Changes how many calls of a group go on at once.
pub fn set_limit(group: &Arc<Group>, limit: usize) {
    group.set_limit(limit);
    let needed = POOL.lock().let_through(&Via::Group(Arc::clone(group)).key());
    // Without new threads they wait for those that there are.
    let _ = needed.get();
}

/// How many calls there are on a connection.
pub fn counts(lane: &Lane) -> Counts {
    let pool = POOL.lock();
    let mut all = Counts::default();
    for calls in pool.on_connection(lane) {
        let counts = calls.counts();
        all.running += counts.running;
        all.waiting += counts.waiting;
        all.abandoned += counts.abandoned;
    }
    all
}

/// Gives up all calls on a connection, but for the one that this thread makes: it may be
/// what ends the connection.
pub fn end_lane(lane: &Lane, why: &'static str) {
    let mut calls: Vec<_> = {
        let pool = POOL.lock();
        let all = pool.on_connection(lane);
        all.flat_map(|calls| calls.running.iter().chain(&calls.waiting)).map(Arc::clone).collect()
    };
    calls.retain(|call| !call.is_made_here());
    if !calls.is_empty() {
        // Whatever they have come to, who frees a connection with calls in flight does not
        // wait for it.
        lane.give_up();
    }
    for call in calls {
        call.give_up(why);
    }
}

/// Makes calls until there have been none for a while.
fn work() {
    let mut next = None;
    while let Some(call) = next.take().or_else(wait_for_call) {
        Arc::clone(&call).make();
        let done = {
            let mut pool = POOL.lock();
            let key = call.via().key();
            if let Some(calls) = pool.lanes.get_mut(&key) {
                if !take(&mut calls.running, &call) {
                    take(&mut calls.abandoned, &call);
                }
                next = calls.next();
            }
            pool.forget_if_empty(&key);
            call
        };
        // Under no lock: it may hold a connection.
        drop(done);
    }
}

fn wait_for_call() -> Option<Arc<dyn Work>> {
    // A fork does not wait for who sleeps.
    let (call, wakes) = sigpipe::outside(|| {
        let mut guard = POOL.lock();
        loop {
            if let Some(call) = guard.ready.pop_front() {
                return (Some(call), guard.wakes());
            }
            guard.idle += 1;
            let waited = READY.wait_timeout(guard, LINGER).unwrap_or_else(PoisonError::into_inner);
            guard = waited.0;
            guard.idle -= 1;
            guard.is_woken = false;
            if waited.1.timed_out() && guard.ready.is_empty() {
                return (None, false);
            }
        }
    });
    if wakes {
        READY.notify_one();
    }
    call
}
