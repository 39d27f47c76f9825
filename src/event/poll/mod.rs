// SPDX-License-Identifier: LGPL-2.1-or-later
//! The event loop of the library, for programs that bring none.
//!
//! libvirt gets it in place of its own (`virEventRegisterImpl`), which cannot be
//! forked. It is poll(2) over a table ([`table`]): what is watched is asked anew on each
//! turn, so there is nothing in the kernel that a child of fork would share, a
//! descriptor may be watched several times, and may be a file. One thread at a time
//! runs a turn ([`turn`]); the table's lock is held for moments only, and never while
//! a callback runs.

mod impls;
mod table;
mod turn;

pub(super) use impls::install;
pub(super) use turn::{turn, wake};

use std::ffi::c_int;
use std::time::Duration;

use table::LOOP;

/// Called when a timer fires; gets the timer's id.
pub type Ticker = Box<dyn Fn(c_int) + Send + Sync>;

/// Called when a file descriptor is ready; gets watch id, descriptor, events.
pub type Watcher = Box<dyn Fn(c_int, c_int, c_int) + Send + Sync>;

/// For how long the loop has not run; none while it does.
pub(super) fn idle() -> Option<Duration> {
    LOOP.lock().idle()
}

/// Watches a descriptor, for the program.
pub(super) fn add_watch(fd: c_int, events: c_int, watcher: Watcher) -> c_int {
    LOOP.lock().add_watch(fd, events, watcher.into(), table::Maker::Program)
}

/// Changes what a descriptor is watched for. A watch that is not there is ignored.
pub(super) fn update_watch(watch: c_int, events: c_int) {
    LOOP.lock().update_watch(watch, events);
}

/// Ends a watch. False when there is no such watch.
pub(super) fn remove_watch(watch: c_int) -> bool {
    LOOP.lock().remove_watch(watch)
}

/// Adds a timer, for the program.
pub(super) fn add_timer(frequency: c_int, ticker: Ticker) -> c_int {
    LOOP.lock().add_timer(frequency, ticker.into(), table::Maker::Program)
}

/// Changes how often a timer fires. A timer that is not there is ignored.
pub(super) fn update_timer(timer: c_int, frequency: c_int) {
    LOOP.lock().update_timer(timer, frequency);
}

/// Ends a timer. False when there is no such timer.
pub(super) fn remove_timer(timer: c_int) -> bool {
    LOOP.lock().remove_timer(timer)
}
