// SPDX-License-Identifier: LGPL-2.1-or-later
//! Telling when a stream is ready.
//!
//! Some libvirts, 9.0 among them, never free the userdata of a stream's callback,
//! and all may call once more while another thread takes the callback back. So a
//! listener stays ours, and libvirt gets a number to find it with. A stream that ends with its
//! callback registered would leave it behind in the loop for ever, so ending one
//! takes the callback back first (`Stream::remove_callback`).
//!
//! A driver in this process (test, QEMU's embedded one) watches its streams' descriptors in
//! our loop. Its function for them, virFDStreamEvent, takes the stream's data before it
//! locks them; a thread that removes the callback and ends the stream just then frees them.
//! That cannot be closed from here. Ours frees what a watch was added with only when its
//! call is over (`take_removed` in `poll/table.rs`), as libvirt asks of a loop, but what is
//! freed too early is not that: it is the stream's, which libvirt frees itself. Removing a
//! watch cannot wait for its call either, because libvirt removes it under the very lock
//! that the call waits for; and ending a stream cannot, because the call may be in the
//! program's callback, which may wait for the thread that ends it. A program is safe when
//! it ends such a stream in a callback, or on the thread that runs the loop.
//!
//! libvirt makes the timer that calls a stream's callback anew with each message that
//! comes. A loop of the program's own may put it off by that, as libvirt's does, as long
//! as messages come without a pause: what comes fills the memory. And when the
//! connection breaks libvirt tells no stream, though it goes on saying of one that it is
//! writable. So [`look_after`] is called after each turn
//! of a loop, and tells both.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use virt::sys;

use super::numbers::Numbers;
use super::{choice, shielded};
use crate::core::stream::{Listening, Waiting};
use crate::core::{Stream, call};
use crate::error::{Error, Misuse, Result};

/// Told what the stream is ready for: some of `STREAM_EVENT_*`. Dropped when
/// nothing can call it any more.
pub type Readiness = Box<dyn Fn(c_int) + Send + Sync>;

const READABLE: c_int = sys::VIR_STREAM_EVENT_READABLE as c_int;
const BROKEN: c_int = (sys::VIR_STREAM_EVENT_ERROR | sys::VIR_STREAM_EVENT_HANGUP) as c_int;

/// Finds the stream while it lives, and asks what waits in it.
pub type Peek = Box<dyn Fn() -> Option<Waiting> + Send + Sync>;

/// One that listens to a stream.
struct Listener {
    tell: Readiness,
    peek: Peek,
    /// What it listens to.
    events: AtomicI32,
    /// Whether libvirt has called since the last look.
    called: AtomicBool,
    /// Whether it knows that the connection is broken.
    broken: AtomicBool,
}

static LISTENERS: Numbers<Listener> = Numbers::new();

fn forget(number: usize) {
    drop(LISTENERS.remove(number));
}

/// Listens to what a stream is ready for; one listener per stream.
pub fn add_callback(stream: &Stream, events: c_int, tell: Readiness, peek: Peek) -> Result<()> {
    choice::ready("listening to a stream")?;
    let using = stream.in_use()?;
    let listener =
        Listener { tell, peek, events: events.into(), called: false.into(), broken: false.into() };
    let number = {
        let mut place = using.listening();
        if place.is_some() {
            // libvirt would refuse it, too, and then never free the stream. The lock goes
            // before the listener, which is not ours.
            drop(place);
            return Err(refusal("has a callback already; remove it first"));
        }
        let number = LISTENERS.add(listener);
        *place = Some(Listening { number, forget });
        number
    };
    // SAFETY: the stream is live; the userdata is a number, not a pointer.
    let returned = unsafe {
        sys::virStreamEventAddCallback(
            using.raw(),
            events,
            Some(ready),
            ptr::without_provenance_mut(number),
            None,
        )
    };
    let added = call::done(returned, c"virStreamEventAddCallback");
    let mut place = using.listening();
    let is_ours = place.as_ref().is_some_and(|listening| listening.number == number);
    let listening = if added.is_err() && is_ours { place.take() } else { None };
    drop(place);
    drop(listening);
    if added.is_ok() && !is_ours {
        // Another thread has removed it before libvirt had it. A failure means that
        // libvirt has it no more.
        // SAFETY: the stream is live while it is in use.
        unsafe { sys::virStreamEventRemoveCallback(using.raw()) };
        return Err(refusal("another thread has removed the callback while it was added"));
    }
    added
}

/// Changes what is listened to.
pub fn update_callback(stream: &Stream, events: c_int) -> Result<()> {
    let using = stream.in_use()?;
    let number = using.listening().as_ref().map(|listening| listening.number);
    // SAFETY: the stream is live.
    let returned = unsafe { sys::virStreamEventUpdateCallback(using.raw(), events) };
    call::done(returned, c"virStreamEventUpdateCallback")?;
    if let Some(listener) = number.and_then(|number| LISTENERS.get(number)) {
        listener.events.store(events, Ordering::Relaxed);
    }
    Ok(())
}

/// Stops what `add_callback` began.
pub fn remove_callback(stream: &Stream) -> Result<()> {
    let using = stream.in_use()?;
    using.remove_callback()
}

fn refusal(reason: &str) -> Error {
    Misuse::Invalid { parameter: "stream", reason: reason.to_owned() }.into()
}

/// Tells listeners what libvirt has not told them, after a turn of the loop.
pub(super) fn look_after() {
    for listener in LISTENERS.all() {
        let called = listener.called.swap(false, Ordering::Relaxed);
        shielded(|| {
            if let Some(events) = listener.missed(called) {
                (listener.tell)(events);
            }
        });
        // The last one of it may be here.
        shielded(|| drop(listener));
    }
}

impl Listener {
    /// What it wants to know and was not told; `called`: libvirt has told it what it is
    /// ready for. That it does over and over where it finds the stream writable, or data
    /// that nobody receives, also when the connection has gone.
    fn missed(&self, called: bool) -> Option<c_int> {
        let wanted = self.events.load(Ordering::Relaxed);
        if wanted == 0 || self.broken.load(Ordering::Relaxed) {
            return None;
        }
        let Waiting { data, broken } = (self.peek)()?;
        let readable = if data { wanted & READABLE } else { 0 };
        if broken {
            self.broken.store(true, Ordering::Relaxed);
            return Some(readable | BROKEN);
        }
        Some(readable).filter(|&events| events != 0 && !called)
    }
}

/// libvirt's callback.
unsafe extern "C" fn ready(_stream: sys::virStreamPtr, events: c_int, userdata: *mut c_void) {
    if let Some(listener) = LISTENERS.get(userdata.addr()) {
        listener.called.store(true, Ordering::Relaxed);
        shielded(|| (listener.tell)(events));
        // The last one of it may be here.
        shielded(|| drop(listener));
    }
}
