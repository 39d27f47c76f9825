//! When a connection closes: with the last of what keeps it, which may be an object whose
//! handle is freed after the connection's own.
//!
//! Closing writes to the daemon, so SIGPIPE is blocked. That takes three system calls, and
//! programs free objects by the thousand: where the handle of each connection is still
//! there, no object is the last that keeps one.

use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::sigpipe;
use crate::fork;

/// How many handles of connections are going, or have gone while something else kept the
/// connection: these for good, for nobody tells when the last of what keeps it goes.
static LET_GO: AtomicUsize = AtomicUsize::new(0);

/// Gives up an object's reference; `free` is called once.
#[inline]
pub(super) fn end_object(free: impl Fn()) {
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
        sigpipe::shield();
        free();
    }
}

/// Gives up the reference that a connection's handle has. `close` tells whether something
/// else keeps the connection, as virConnectClose does.
pub(super) fn let_go(close: impl FnOnce() -> c_int) {
    if !sigpipe::expects_sockets() {
        close();
        return;
    }
    LET_GO.fetch_add(1, Ordering::Relaxed);
    // Objects that are being freed have not seen that.
    fork::wait_for_marks();
    sigpipe::shield();
    if close() == 0 {
        LET_GO.fetch_sub(1, Ordering::Relaxed);
    }
}
