// SPDX-License-Identifier: LGPL-2.1-or-later
//! A turn of the loop: sleep until something happens, and call who wants to know.

use std::ffi::c_int;
use std::sync::Condvar;
use std::time::Instant;

use rustix::event::{EventfdFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::super::shielded;
use super::super::sync::wait;
use super::table::LOOP;
use crate::core::sigpipe;
use crate::error::{Misuse, Result};

/// A thread waits until another one's turn has ended.
static ENDED: Condvar = Condvar::new();

/// Makes what wakes the loop up, unless it is there.
pub(super) fn prepare() -> Result<()> {
    if LOOP.lock().waker().is_some() {
        return Ok(());
    }
    let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|error| failed("there is no descriptor for it", error))?;
    let mut table = LOOP.lock();
    if table.waker().is_none() {
        table.set_waker(Some(waker));
    }
    Ok(())
}

fn failed(what: &str, error: Errno) -> crate::error::Error {
    let reason = format!("{what}: {}", std::io::Error::from(error));
    Misuse::Invalid { parameter: "event loop", reason }.into()
}

/// Ends the sleep of the thread that runs the loop.
pub(in crate::event) fn wake() {
    LOOP.lock().interrupt();
}

/// This thread runs a turn, until this is dropped.
struct Turn;

impl Turn {
    /// None: another thread ran one, and has ended it.
    fn begin() -> Option<Turn> {
        // Released before it is back in the library: a fork may hold that up.
        sigpipe::outside(|| {
            let mut table = LOOP.lock();
            if table.enter() {
                return Some(Turn);
            }
            let turn = table.wait();
            while table.is_in(turn) {
                table = wait(&ENDED, table);
            }
            None
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if LOOP.lock().leave() {
            ENDED.notify_all();
        }
    }
}

/// Runs one turn, or waits while another thread does: afterwards something has
/// happened. A signal ends the sleep, so that a program sees its own. Before each
/// callback `goes_on` is asked; what is not called now is in the next turn.
pub(in crate::event) fn turn(goes_on: &dyn Fn() -> bool) -> Result<()> {
    let Some(_turn) = Turn::begin() else {
        return Ok(());
    };
    prepare()?;
    let Woken { ready, due, now } = sleep()?;
    ready
        .into_iter()
        .take_while(|_| goes_on())
        .for_each(|(watch, events)| call_watch(watch, events));
    due.into_iter().take_while(|_| goes_on()).for_each(|timer| call_timer(timer, now));
    // In a statement of its own: nothing ends under the lock.
    let ended = LOOP.lock().take_ended();
    ended.drop_each(shielded);
    Ok(())
}

fn call_watch(watch: c_int, events: c_int) {
    // In a statement of its own, so that the lock is not held.
    let call = LOOP.lock().begin_watch(watch, events);
    if let Some((call, fd, events)) = call {
        shielded(|| call(watch, fd, events));
        LOOP.lock().end_watch(watch);
    }
}

fn call_timer(timer: c_int, now: Instant) {
    let call = LOOP.lock().begin_timer(timer, now);
    if let Some(call) = call {
        shielded(|| call(timer));
        LOOP.lock().end_timer(timer);
    }
}

/// What there is to do after a sleep.
struct Woken {
    /// The watches that are ready, with what for.
    ready: Vec<(c_int, c_int)>,
    /// The timers that are due.
    due: Vec<c_int>,
    /// When that was.
    now: Instant,
}

/// Sleeps until a descriptor is ready, a timer is due, something was changed, or a
/// signal came.
fn sleep() -> Result<Woken> {
    // In a statement of its own, so that the lock is not held.
    let mut asked = LOOP.lock().fall_asleep();
    let timeout = asked.until.map(|until| until.saturating_duration_since(Instant::now()));
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let polled = sigpipe::outside(|| poll(&mut asked.fds, timeout.as_ref()));
    let now = Instant::now();
    let mut table = LOOP.lock();
    table.wake_up(&asked);
    match polled {
        Ok(_) => Ok(Woken { ready: table.ready(&asked), due: table.due(now), now }),
        // Timers may be due all the same.
        Err(Errno::INTR) => Ok(Woken { ready: Vec::new(), due: table.due(now), now }),
        Err(error) => Err(failed("waiting for descriptors failed", error)),
    }
}
