//! Telling when a stream is ready.
//!
//! Some libvirts, 9.0 among them, never free the userdata of a stream's callback,
//! and all may call once more while another thread takes the callback back. So a
//! listener stays ours, and libvirt gets a number to find it with. A stream that ends with its
//! callback registered would leave it behind in the loop for ever, so ending one
//! takes the callback back first.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virt::sys;

use super::{choice, shielded};
use crate::core::{Stream, call};
use crate::error::{Misuse, Result};

/// Told what the stream is ready for: some of `STREAM_EVENT_*`. Dropped when
/// nothing can call it any more.
pub type Readiness = Box<dyn Fn(c_int) + Send + Sync>;

/// Listeners by their number.
struct Listeners {
    last: usize,
    all: BTreeMap<usize, Arc<Readiness>>,
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
pub fn add_callback(stream: &Stream, events: c_int, listener: Readiness) -> Result<()> {
    choice::ready("listening to a stream")?;
    let _using = stream.enter()?;
    let mut callback = stream.callback();
    if callback.is_some() {
        // libvirt would refuse it, too, and then never free the stream.
        let reason = "has a callback already; remove it first".to_owned();
        return Err(Misuse::Invalid { parameter: "stream", reason }.into());
    }
    let number = {
        let mut listeners = listeners();
        listeners.last += 1;
        let number = listeners.last;
        listeners.all.insert(number, Arc::new(listener));
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
    // SAFETY: the stream is live.
    let returned = unsafe { sys::virStreamEventUpdateCallback(stream.raw(), events) };
    call::done(returned, c"virStreamEventUpdateCallback")
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

/// libvirt's callback.
unsafe extern "C" fn ready(_stream: sys::virStreamPtr, events: c_int, userdata: *mut c_void) {
    let listener = listeners().all.get(&userdata.addr()).cloned();
    if let Some(listener) = listener {
        shielded(|| listener(events));
        // The last one of it may be here.
        shielded(|| drop(listener));
    }
}
