//! Telling when a stream is ready.
//!
//! Some libvirts, 9.0 among them, never free the userdata of a stream's callback,
//! and all may call once more while another thread takes the callback back. So a
//! listener stays ours, and libvirt gets a number to find it with. A stream that ends with its
//! callback registered would leave it behind in the loop for ever, so ending one
//! takes the callback back first.
//!
//! libvirt's own loop, since 6.1, makes the timer that calls a stream's callback
//! anew with each message that comes, and so puts it off as long as messages come
//! without a pause: what comes fills the memory. And when the connection breaks
//! libvirt tells no stream. So [`look_after`] is called after each turn of a loop,
//! and tells both.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virt::sys;

use super::{choice, shielded};
use crate::core::stream::Waiting;
use crate::core::{Stream, call};
use crate::error::{Misuse, Result};

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
    /// Whether libvirt has called since the loop last turned.
    called: AtomicBool,
    /// Whether it knows that the connection is broken.
    broken: AtomicBool,
}

/// Listeners by their number.
struct Listeners {
    last: usize,
    all: BTreeMap<usize, Arc<Listener>>,
}

static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners { last: 0, all: BTreeMap::new() });

fn listeners() -> MutexGuard<'static, Listeners> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(number: usize) {
    // Dropped only after the lock, for it runs what is not ours.
    let listener = listeners().all.remove(&number);
    drop(listener);
}

/// Listens to what a stream is ready for; one listener per stream.
pub fn add_callback(stream: &Stream, events: c_int, tell: Readiness, peek: Peek) -> Result<()> {
    choice::ready("listening to a stream")?;
    let _using = stream.enter()?;
    let mut callback = stream.callback();
    if callback.is_some() {
        // libvirt would refuse it, too, and then never free the stream.
        let reason = "has a callback already; remove it first".to_owned();
        return Err(Misuse::Invalid { parameter: "stream", reason }.into());
    }
    let listener = Arc::new(Listener {
        tell,
        peek,
        events: events.into(),
        called: false.into(),
        broken: false.into(),
    });
    let number = {
        let mut listeners = listeners();
        listeners.last += 1;
        let number = listeners.last;
        listeners.all.insert(number, listener);
        number
    };
    // SAFETY: the stream is live; the userdata is a number, not a pointer.
    let returned = unsafe {
        sys::virStreamEventAddCallback(
            stream.raw(),
            events,
            Some(ready),
            ptr::without_provenance_mut(number),
            None,
        )
    };
    let added = call::done(returned, c"virStreamEventAddCallback");
    if added.is_ok() {
        *callback = Some(number);
    }
    drop(callback);
    added.inspect_err(|_| forget(number))
}

/// Changes what is listened to.
pub fn update_callback(stream: &Stream, events: c_int) -> Result<()> {
    let _using = stream.enter()?;
    let callback = stream.callback();
    // SAFETY: the stream is live.
    let returned = unsafe { sys::virStreamEventUpdateCallback(stream.raw(), events) };
    call::done(returned, c"virStreamEventUpdateCallback")?;
    if let Some(listener) = callback.and_then(|number| listeners().all.get(&number).cloned()) {
        listener.events.store(events, Ordering::Relaxed);
    }
    Ok(())
}

/// Stops what `add_callback` began.
pub fn remove_callback(stream: &Stream) -> Result<()> {
    let _using = stream.enter()?;
    take_back(stream)
}

/// Ends the transfer, when the other end has taken everything, and the listening.
pub fn finish(stream: &Stream) -> Result<()> {
    stream.finish(|| stop_listening(stream))
}

/// Breaks the transfer off, and the listening.
pub fn abort(stream: &Stream) -> Result<()> {
    stream.abort(|| stop_listening(stream))
}

/// Takes the callback back, if there is one: the stream is about to end.
pub fn stop_listening(stream: &Stream) {
    if stream.callback().is_some() {
        // A failure means that libvirt holds none any more.
        let _ = take_back(stream);
    }
}

fn take_back(stream: &Stream) -> Result<()> {
    let number = stream.callback().take();
    // SAFETY: the stream is live.
    let returned = unsafe { sys::virStreamEventRemoveCallback(stream.raw()) };
    let removed = call::done(returned, c"virStreamEventRemoveCallback");
    number.into_iter().for_each(forget);
    removed
}

/// Tells listeners what libvirt has not told them, after a turn of the loop.
pub(super) fn look_after() {
    let untold: Vec<_> = {
        let listeners = listeners();
        let all = listeners.all.values();
        all.filter(|listener| !listener.called.swap(false, Ordering::Relaxed)).cloned().collect()
    };
    for listener in untold {
        shielded(|| {
            if let Some(events) = listener.missed() {
                (listener.tell)(events);
            }
        });
        // The last one of it may be here.
        shielded(|| drop(listener));
    }
}

impl Listener {
    /// What it wants to know and was not told.
    fn missed(&self) -> Option<c_int> {
        let wanted = self.events.load(Ordering::Relaxed);
        if wanted == 0 || self.broken.load(Ordering::Relaxed) {
            return None;
        }
        match (self.peek)()? {
            Waiting::Nothing => None,
            Waiting::Data => Some(wanted & READABLE).filter(|&events| events != 0),
            Waiting::Broken => {
                self.broken.store(true, Ordering::Relaxed);
                Some(BROKEN)
            }
        }
    }
}

/// libvirt's callback.
unsafe extern "C" fn ready(_stream: sys::virStreamPtr, events: c_int, userdata: *mut c_void) {
    let listener = listeners().all.get(&userdata.addr()).cloned();
    if let Some(listener) = listener {
        listener.called.store(true, Ordering::Relaxed);
        shielded(|| (listener.tell)(events));
        // The last one of it may be here.
        shielded(|| drop(listener));
    }
}
