// SPDX-License-Identifier: LGPL-2.1-or-later
//! The timers and watches that the program was given. libvirt and the library have others
//! in the same loop, with numbers that are easy to guess; and a loop of the program's own
//! may give a number again. What the program does to a number that is not its own would
//! end a connection's events, or free what libvirt is using.

use std::collections::BTreeSet;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::choice::ready;
use super::poll::{Ticker, Watcher};
use super::watches::{self, unknown};
use crate::error::Result;
use crate::fork::Leaf;

type Numbers = Leaf<BTreeSet<c_int>>;

static TIMERS: Numbers = Leaf::new(BTreeSet::new());
static WATCHES: Numbers = Leaf::new(BTreeSet::new());

/// One that is being made: it may fire, and be removed in its callback, before its number
/// is known here. It is noted once, as the number may be another one's later.
#[derive(Clone, Default)]
struct Noted(Arc<AtomicBool>);

impl Noted {
    fn note(&self, numbers: &'static Numbers, number: c_int) {
        if !self.0.load(Ordering::Acquire) {
            let mut numbers = numbers.lock();
            if !self.0.swap(true, Ordering::AcqRel) {
                numbers.insert(number);
            }
        }
    }
}

/// Adds a timer; it fires each `frequency` ms, with 0 on each turn of the
/// loop, with -1 not until it is updated.
pub fn add_timeout(frequency: c_int, ticker: Ticker) -> Result<c_int> {
    let noted = Noted::default();
    let first = noted.clone();
    let timer = watches::add_timeout(
        frequency,
        Box::new(move |timer| {
            first.note(&TIMERS, timer);
            ticker(timer);
        }),
    )?;
    noted.note(&TIMERS, timer);
    Ok(timer)
}

/// Changes how often a timer fires. One that is not the program's is ignored.
pub fn update_timeout(timer: c_int, frequency: c_int) {
    if TIMERS.lock().contains(&timer) {
        watches::update_timeout(timer, frequency);
    }
}

/// Removes a timer.
pub fn remove_timeout(timer: c_int) -> Result<()> {
    ready("removing a timer")?;
    if !TIMERS.lock().remove(&timer) {
        return Err(unknown("timer", timer));
    }
    watches::remove_timeout(timer)
}

/// Watches a file descriptor for `events`, some of `EVENT_HANDLE_*`.
pub fn add_handle(fd: c_int, events: c_int, watcher: Watcher) -> Result<c_int> {
    let noted = Noted::default();
    let first = noted.clone();
    let watch = watches::add_handle(
        fd,
        events,
        Box::new(move |watch, fd, events| {
            first.note(&WATCHES, watch);
            watcher(watch, fd, events);
        }),
    )?;
    noted.note(&WATCHES, watch);
    Ok(watch)
}

/// Changes what a descriptor is watched for. A watch that is not the program's is ignored.
pub fn update_handle(watch: c_int, events: c_int) {
    if WATCHES.lock().contains(&watch) {
        watches::update_handle(watch, events);
    }
}

/// Stops watching a descriptor.
pub fn remove_handle(watch: c_int) -> Result<()> {
    ready("removing a watch")?;
    if !WATCHES.lock().remove(&watch) {
        return Err(unknown("watch", watch));
    }
    watches::remove_handle(watch)
}
