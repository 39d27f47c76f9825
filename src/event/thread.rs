//! A thread of the library that runs libvirt's loop, for programs without one.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use virt::sys;

use super::choice::{self, Choice};
use super::default_loop;
use crate::core::{call, sigpipe, thread};
use crate::error::Result;

struct Runner {
    /// None while it is stopped.
    thread: Option<JoinHandle<()>>,
    /// The timer that wakes the loop up, once there is one.
    waker: Option<c_int>,
}

static RUNNER: Mutex<Runner> = Mutex::new(Runner { thread: None, waker: None });

/// Tells the thread to end.
static ENDING: AtomicBool = AtomicBool::new(false);

fn runner() -> MutexGuard<'static, Runner> {
    RUNNER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the library's thread runs the loop.
pub fn is_started() -> bool {
    choice::current() == Choice::Thread && !choice::is_left_behind() && runner().thread.is_some()
}

/// Chooses libvirt's loop, and starts a thread that runs it. If it runs already,
/// nothing happens.
pub fn start() -> Result<()> {
    const WHAT: &str = "starting the event loop";
    choice::choose(Choice::Thread, WHAT, default_loop::install)?;
    choice::ready(WHAT)?;
    let mut runner = runner();
    if runner.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
        return match ENDING.load(Ordering::Acquire) {
            false => Ok(()),
            true => choice::refuse(WHAT, "it is being stopped from one of its callbacks"),
        };
    }
    if runner.waker.is_none() {
        // SAFETY: a callback that uses nothing, and no data to free.
        let timer = unsafe { sys::virEventAddTimeout(-1, Some(woken), std::ptr::null_mut(), None) };
        runner.waker = Some(call::number(timer, c"virEventAddTimeout")?);
    }
    ENDING.store(false, Ordering::Release);
    runner.thread = Some(thread::spawn("vkvm-events", run)?);
    Ok(())
}

/// Stops the thread: when this returns no callback runs any more, unless it was
/// called by one, which then is the last.
pub fn stop() -> Result<()> {
    if choice::current() != Choice::Thread {
        return choice::refuse("stopping the event loop", "vkvm_event_start was not called");
    }
    choice::ready("stopping the event loop")?;
    let mut runner = runner();
    let Some(thread) = runner.thread.take() else {
        return Ok(());
    };
    ENDING.store(true, Ordering::Release);
    if let Some(timer) = runner.waker {
        // SAFETY: libvirt ignores a timer that it does not know.
        unsafe { sys::virEventUpdateTimeout(timer, 0) };
    }
    if thread.thread().id() == std::thread::current().id() {
        // It cannot wait for itself. Who starts it again waits for it.
        runner.thread = Some(thread);
        return Ok(());
    }
    // Not held while waiting: a callback may be waiting for it.
    drop(runner);
    // The thread does not panic: whatever it calls is shielded.
    let _ = thread.join();
    Ok(())
}

fn run() {
    while !ENDING.load(Ordering::Acquire) {
        if sigpipe::inside(default_loop::turn).is_err() {
            // Nothing is known to make it fail; it must not use up the CPU then.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The loop has turned; that was all.
unsafe extern "C" fn woken(timer: c_int, _: *mut libc::c_void) {
    // SAFETY: as in `stop`.
    unsafe { sys::virEventUpdateTimeout(timer, -1) };
}
