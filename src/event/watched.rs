// SPDX-License-Identifier: LGPL-2.1-or-later
//! What libvirt wants of an event loop, as the loop sees it: one object for each watch or
//! timer.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use virt::sys;

use super::later::{self, Of};
use super::stream;
use crate::core::sigpipe;

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
    /// The number under which libvirt knows it, where that is not the loop's.
    number: Option<c_int>,
}

#[derive(Clone, Copy)]
pub(super) enum Call {
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
            if !later::is_removed(Of::Watch(watch)) {
                self.ready(watch, fd, events);
            }
            stream::look_after();
        });
    }

    /// Tells libvirt that the timer fired, in such a loop.
    pub fn run_timeout(&self, timer: c_int) {
        sigpipe::inside(|| {
            if !later::is_removed(Of::Timer(timer)) {
                self.fire(timer);
            }
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
            unsafe { call(self.number.unwrap_or(watch), fd, events, self.opaque) }
        }
    }

    /// Tells libvirt that the timer fired, likewise.
    pub(super) fn fire(&self, timer: c_int) {
        if let Call::Timeout(call) = self.call {
            sigpipe::shield();
            // SAFETY: libvirt's function with its own data, likewise.
            unsafe { call(self.number.unwrap_or(timer), self.opaque) }
        }
    }

    /// For what could not be added: libvirt then keeps its data itself.
    pub fn forget(&self) {
        self.forgotten.store(true, Ordering::Relaxed);
    }

    pub(super) fn new(call: Call, opaque: *mut c_void, free: sys::virFreeCallback) -> Self {
        Watched { call, opaque, free, forgotten: false.into(), number: None }
    }

    /// The same, which libvirt knows under this number.
    pub(super) fn called(self, number: c_int) -> Self {
        let mut this = self;
        this.number = Some(number);
        this
    }

    /// Another one of the same, which is forgotten: it stands in for this one should a loop
    /// refuse it.
    pub(super) fn twin(&self) -> Self {
        let mut twin = Watched::new(self.call, self.opaque, self.free);
        twin.number = self.number;
        twin.forget();
        twin
    }

    /// It stands in: libvirt is told of its end.
    pub(super) fn stand_in(&self) {
        self.forgotten.store(false, Ordering::Relaxed);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let forgotten = *self.forgotten.get_mut();
        if let Some(free) = self.free.filter(|_| !forgotten) {
            sigpipe::inside(|| {
                sigpipe::shield();
                // SAFETY: libvirt's function with its own data; this is the one call.
                unsafe { free(self.opaque) }
            });
        }
    }
}
