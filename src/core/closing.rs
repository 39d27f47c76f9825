// SPDX-License-Identifier: LGPL-2.1-or-later
//! When a connection closes: with the last of what keeps it, which may be an object whose
//! handle is freed after the connection's own.
//!
//! Closing writes to the daemon, so SIGPIPE is blocked. That takes three system calls, and
//! programs free objects by the thousand: where the handle of each connection is still
//! there, no object is the last that keeps one.
//!
//! It also waits for the daemon's answer. Where calls have a limit of time, or one was given
//! up, nobody is to wait that long: then a thread of the library's closes (`closer.rs`).

use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};

use virt::sys;

use super::{closer, lane, sigpipe};
use crate::fork;

/// How many handles of connections are going, or have gone while something else kept the
/// connection: these for good, for nobody tells when the last of what keeps it goes.
static LET_GO: AtomicUsize = AtomicUsize::new(0);

/// Gives up an object's reference; `free` is called once. `conn` tells its connection.
///
/// # Safety
/// `free` may be called on any thread, and `conn` gives NULL or what is live.
#[inline]
pub(super) unsafe fn end_object(conn: impl Fn() -> sys::virConnectPtr, free: impl Fn() + 'static) {
    if !sigpipe::expects_sockets() {
        return free();
    }
    // Marked, so that no handle of a connection goes meanwhile.
    let is_freed = fork::mark(|| {
        let is_not_the_last = LET_GO.load(Ordering::Relaxed) == 0;
        if is_not_the_last {
            free();
        }
        is_not_the_last
    });
    if is_freed != Some(true) {
        // SAFETY: as promised by the caller.
        unsafe { close(conn(), free) }
    }
}

/// Gives up the reference that a connection's handle has. `close` tells whether something
/// else keeps the connection, as virConnectClose does.
///
/// # Safety
/// `close` may be called on any thread, and `conn` is live.
pub(super) unsafe fn let_go(conn: sys::virConnectPtr, close: impl FnOnce() -> c_int + 'static) {
    if !sigpipe::expects_sockets() {
        close();
        return;
    }
    LET_GO.fetch_add(1, Ordering::Relaxed);
    // Objects that are being freed have not seen that.
    fork::wait_for_marks();
    let let_go = || {
        if close() == 0 {
            LET_GO.fetch_sub(1, Ordering::Relaxed);
        }
    };
    // SAFETY: as promised by the caller.
    unsafe { self::close(conn, let_go) }
}

/// What may be called on any thread.
struct Anywhere<F>(F);

// SAFETY: as promised by who made it.
unsafe impl<F> Send for Anywhere<F> {}

impl<F: FnOnce()> Anywhere<F> {
    fn run(self) {
        self.0();
    }
}

/// Does what may close the connection, where nobody waits for it who has no time for that.
///
/// # Safety
/// `free` may be called on any thread, and `conn` is NULL or live.
#[cold]
unsafe fn close(conn: sys::virConnectPtr, free: impl FnOnce() + 'static) {
    if !lane::is_bounded(conn.addr()) {
        sigpipe::shield();
        return free();
    }
    let free = Anywhere(free);
    closer::run(conn.addr(), move || free.run());
}
