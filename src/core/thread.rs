// SPDX-License-Identifier: LGPL-2.1-or-later
//! Threads of the library's own. They begin with all signals blocked: a program's
//! handlers are to run on its own threads.

use std::thread::{Builder, JoinHandle};

use super::sigpipe;
use crate::error::{Misuse, Result};

/// Starts a thread.
pub fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let builder = Builder::new().name(name.to_owned());
    let started = with_signals_blocked(|| builder.spawn(|| sigpipe::on_own_thread(body)));
    started.map_err(|error| Misuse::NoThread { name: name.to_owned(), error }.into())
}

/// Runs what starts a thread, which inherits what is blocked.
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: the sets are written before they are read; the mask is the calling
    // thread's own, and is set back.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        started
    }
}
