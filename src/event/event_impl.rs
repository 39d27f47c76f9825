//! A loop as libvirt sees it, the library's or the program's own: libvirt's functions and
//! pointers, wrapped so that the loop deals with one object for each watch or timer.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use virt::sys;

use super::choice::{self, Choice};
use super::{shielded, stream};
use crate::core::sigpipe;
use crate::error::Result;

/// What a loop has to do. Numbers of watches and timers are from 0 up, and are
/// the loop's to choose; -1 is a failure.
pub trait EventImpl: Send + Sync {
    /// Begins to watch a descriptor for some of `EVENT_HANDLE_*`. When it fails
    /// it [forgets](Watched::forget) what is watched.
    fn add_handle(&self, fd: c_int, events: c_int, watched: Watched) -> c_int;
    /// Changes what it is watched for; 0 is nothing, for the time being.
    fn update_handle(&self, watch: c_int, events: c_int);
    /// Ends a watch. It must be dropped, but not in the course of this call.
    fn remove_handle(&self, watch: c_int) -> c_int;
    /// Begins a timer of so many ms; -1 is never, for the time being. It forgets
    /// as above.
    fn add_timeout(&self, frequency: c_int, watched: Watched) -> c_int;
    /// Changes how often it fires.
    fn update_timeout(&self, timer: c_int, frequency: c_int);
    /// Ends a timer, as a watch is ended.
    fn remove_timeout(&self, timer: c_int) -> c_int;
}

/// What libvirt wants to be called for a watch or timer. Dropping it tells
/// libvirt that this is over.
pub struct Watched {
    call: Call,
    opaque: *mut c_void,
    free: sys::virFreeCallback,
    /// libvirt is not to be told of the end.
    forgotten: AtomicBool,
}

#[derive(Clone, Copy)]
enum Call {
    Handle(unsafe extern "C" fn(c_int, c_int, c_int, *mut c_void)),
    Timeout(unsafe extern "C" fn(c_int, *mut c_void)),
}

// SAFETY: libvirt's callbacks and their data may be used from the thread that
// runs the loop, whichever that is, as libvirt's documentation of
// virEventRegisterImpl has it.
unsafe impl Send for Watched {}
// SAFETY: likewise.
unsafe impl Sync for Watched {}

impl Watched {
    /// Tells libvirt that the descriptor is ready, in a loop of the program's own, whose
    /// turns are not known.
    pub fn run_handle(&self, watch: c_int, fd: c_int, events: c_int) {
        sigpipe::inside(|| {
            self.ready(watch, fd, events);
            stream::look_after();
        });
    }

    /// Tells libvirt that the timer fired, in such a loop.
    pub fn run_timeout(&self, timer: c_int) {
        sigpipe::inside(|| {
            self.fire(timer);
            // Keepalive, too, may have found the connection broken.
            stream::look_after();
        });
    }

    /// Tells libvirt that the descriptor is ready, within a part of the library.
    pub(super) fn ready(&self, watch: c_int, fd: c_int, events: c_int) {
        if let Call::Handle(call) = self.call {
            sigpipe::shield();
            // SAFETY: libvirt's function with its own data, which is there until self
            // is dropped.
            unsafe { call(watch, fd, events, self.opaque) }
        }
    }

    /// Tells libvirt that the timer fired, likewise.
    pub(super) fn fire(&self, timer: c_int) {
        if let Call::Timeout(call) = self.call {
            sigpipe::shield();
            // SAFETY: libvirt's function with its own data, likewise.
            unsafe { call(timer, self.opaque) }
        }
    }

    /// For what could not be added: libvirt then keeps its data itself.
    pub fn forget(&self) {
        self.forgotten.store(true, Ordering::Relaxed);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(free) = self.free
            && !*self.forgotten.get_mut()
        {
            sigpipe::inside(|| {
                sigpipe::shield();
                // SAFETY: libvirt's function with its own data; this is the one call.
                unsafe { free(self.opaque) }
            });
        }
    }
}

static IMPLEMENTATION: OnceLock<Box<dyn EventImpl>> = OnceLock::new();

/// Makes a loop of the program's own the process's event loop, for good.
pub fn register_impl(implementation: Box<dyn EventImpl>) -> Result<()> {
    choice::choose(Choice::Own, "registering an event loop", || {
        install(implementation);
        Ok(())
    })
}

/// Tells libvirt to use a loop. libvirt keeps the first one that it is given, and so does
/// this: of a second one it does not say anything, either.
pub(super) fn install(implementation: Box<dyn EventImpl>) {
    let _ = IMPLEMENTATION.set(implementation);
    // SAFETY: functions of the right types, which are there for ever.
    unsafe {
        sys::virEventRegisterImpl(
            Some(add_handle),
            Some(update_handle),
            Some(remove_handle),
            Some(add_timeout),
            Some(update_timeout),
            Some(remove_timeout),
        );
    }
}

/// Calls the loop; -1 when it panics.
fn with(body: impl FnOnce(&dyn EventImpl) -> c_int) -> c_int {
    let mut answer = -1;
    if let Some(implementation) = IMPLEMENTATION.get() {
        shielded(|| answer = body(&**implementation));
    }
    answer
}

unsafe extern "C" fn add_handle(
    fd: c_int,
    events: c_int,
    call: sys::virEventHandleCallback,
    opaque: *mut c_void,
    free: sys::virFreeCallback,
) -> c_int {
    let Some(call) = call else {
        return -1;
    };
    // Also of a connection that the program has opened with libvirt itself.
    sigpipe::expect_sockets();
    let watched = Watched { call: Call::Handle(call), opaque, free, forgotten: false.into() };
    with(|implementation| implementation.add_handle(fd, events, watched))
}

unsafe extern "C" fn update_handle(watch: c_int, events: c_int) {
    with(|implementation| {
        implementation.update_handle(watch, events);
        0
    });
}

unsafe extern "C" fn remove_handle(watch: c_int) -> c_int {
    with(|implementation| implementation.remove_handle(watch))
}

unsafe extern "C" fn add_timeout(
    frequency: c_int,
    call: sys::virEventTimeoutCallback,
    opaque: *mut c_void,
    free: sys::virFreeCallback,
) -> c_int {
    let Some(call) = call else {
        return -1;
    };
    let watched = Watched { call: Call::Timeout(call), opaque, free, forgotten: false.into() };
    with(|implementation| implementation.add_timeout(frequency, watched))
}

unsafe extern "C" fn update_timeout(timer: c_int, frequency: c_int) {
    with(|implementation| {
        implementation.update_timeout(timer, frequency);
        0
    });
}

unsafe extern "C" fn remove_timeout(timer: c_int) -> c_int {
    with(|implementation| implementation.remove_timeout(timer))
}
