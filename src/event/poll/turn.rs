//! A turn of the loop: sleep until something happens, and call who wants to know.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Condvar, PoisonError};
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::super::shielded;
use super::table::LOOP;
use crate::core::sigpipe;
use crate::error::{Misuse, Result};

/// A thread waits until another one's turn has ended.
static ENDED: Condvar = Condvar::new();

/// Makes what wakes the loop up, unless it is there.
pub(super) fn prepare() -> Result<()> {
    if LOOP.lock().here().waker().is_some() {
        return Ok(());
    }
    let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|error| failed("there is no descriptor for it", error))?;
    let mut table = LOOP.lock();
    let table = table.here();
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
    LOOP.lock().here().interrupt();
}

/// This thread runs a turn, until this is dropped.
struct Turn;

impl Turn {
    /// None: another thread ran one, and has ended it.
    fn begin() -> Option<Turn> {
        // Released before it is back in the library: a fork may hold that up.
        sigpipe::outside(|| {
            let mut table = LOOP.lock();
            if table.here().enter() {
                return Some(Turn);
            }
            let turn = table.wait();
            while table.is_in(turn) {
                table = ENDED.wait(table).unwrap_or_else(PoisonError::into_inner);
            }
            None
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if LOOP.lock().here().leave() {
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
    let answered = sleep()?;
    let now = Instant::now();
    let (ready, due) = {
        let mut table = LOOP.lock();
        let table = table.here();
        (table.ready(&answered), table.due(now))
    };
    ready
        .into_iter()
        .take_while(|_| goes_on())
        .for_each(|(watch, events)| call_watch(watch, events));
    due.into_iter().take_while(|_| goes_on()).for_each(|timer| call_timer(timer, now));
    // In a statement of its own: nothing ends under the lock.
    let ended = LOOP.lock().here().take_ended();
    ended.drop_each(shielded);
    Ok(())
}

fn call_watch(watch: c_int, events: c_int) {
    // In a statement of its own, so that the lock is not held.
    let call = LOOP.lock().here().begin_watch(watch, events);
    if let Some((call, fd, events)) = call {
        shielded(|| call(watch, fd, events));
        LOOP.lock().here().end_watch(watch);
    }
}

fn call_timer(timer: c_int, now: Instant) {
    let call = LOOP.lock().here().begin_timer(timer, now);
    if let Some(call) = call {
        shielded(|| call(timer));
        LOOP.lock().here().end_timer(timer);
    }
}

/// Sleeps until a descriptor is ready, a timer is due, something was changed, or a
/// signal came. Gives what the descriptors have answered.
fn sleep() -> Result<BTreeMap<c_int, PollFlags>> {
    let (asked, until, waker) = {
        let mut table = LOOP.lock();
        let table = table.here();
        let (asked, until) = table.fall_asleep();
        (asked, until, table.waker().map(AsRawFd::as_raw_fd))
    };
    let mut fds: Vec<_> = asked
        .iter()
        .map(|(fd, events)| (*fd, *events))
        .chain(waker.map(|waker| (waker, PollFlags::IN)))
        .map(|(fd, events)| {
            // SAFETY: no negative number is let in. The descriptor may be closed, or
            // another one by now; poll says so, and nothing else is done with it.
            PollFd::from_borrowed_fd(unsafe { BorrowedFd::borrow_raw(fd) }, events)
        })
        .collect();
    let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let polled = sigpipe::outside(|| poll(&mut fds, timeout.as_ref()));
    {
        let mut table = LOOP.lock();
        let table = table.here();
        table.wake_up();
        if waker.is_some() && fds.last().is_some_and(|fd| fd.revents().contains(PollFlags::NVAL)) {
            // The program has closed all descriptors; the next turn makes a new one.
            table.set_waker(None);
        }
    }
    match polled {
        Ok(_) => Ok(asked.keys().copied().zip(fds.iter().map(PollFd::revents)).collect()),
        // Timers may be due all the same.
        Err(Errno::INTR) => Ok(BTreeMap::new()),
        Err(error) => Err(failed("waiting for descriptors failed", error)),
    }
}
