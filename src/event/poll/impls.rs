//! The loop as libvirt sees it.

use std::ffi::{c_int, c_void};

use virt::sys;

use super::super::{choice, shielded};
use super::table::{LOOP, Maker};
use crate::core::{call, sigpipe};
use crate::error::Result;

/// libvirt's function with its data, which ends with this.
struct Theirs<F> {
    call: F,
    opaque: *mut c_void,
    free: sys::virFreeCallback,
}

// SAFETY: libvirt's callbacks and their data may be used from the thread that runs the
// loop, whichever that is, as its documentation of virEventRegisterImpl has it.
unsafe impl<F: Send> Send for Theirs<F> {}
// SAFETY: as above.
unsafe impl<F: Sync> Sync for Theirs<F> {}

impl<F> Drop for Theirs<F> {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: libvirt's function with its own data; this is the one call.
            sigpipe::inside(|| unsafe { free(self.opaque) });
        }
    }
}

impl Theirs<unsafe extern "C" fn(c_int, c_int, c_int, *mut c_void)> {
    fn ready(&self, watch: c_int, fd: c_int, events: c_int) {
        // SAFETY: libvirt's function with its own data.
        sigpipe::inside(|| unsafe { (self.call)(watch, fd, events, self.opaque) });
    }
}

impl Theirs<unsafe extern "C" fn(c_int, *mut c_void)> {
    fn fire(&self, timer: c_int) {
        // SAFETY: as above.
        sigpipe::inside(|| unsafe { (self.call)(timer, self.opaque) });
    }
}

/// Gives the loop to libvirt. Fails where libvirt has been given another one.
pub(in crate::event) fn install(what: &'static str) -> Result<()> {
    super::turn::prepare()?;
    LOOP.lock().here().is_installed();
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
    // libvirt keeps the first loop that it is given, and does not say so: does a
    // timer that it gets reach this one?
    // SAFETY: a callback that uses nothing, and no data to free.
    let probe = unsafe { sys::virEventAddTimeout(-1, Some(nothing), std::ptr::null_mut(), None) };
    let probe = call::number(probe, c"virEventAddTimeout")?;
    let is_ours = LOOP.lock().here().timer_count() > 0;
    // SAFETY: as above; libvirt ignores a timer that it does not know.
    unsafe { sys::virEventRemoveTimeout(probe) };
    drop(LOOP.lock().here().take_ended());
    if is_ours {
        Ok(())
    } else {
        choice::refuse(what, "another library has given libvirt an event loop already")
    }
}

unsafe extern "C" fn nothing(_timer: c_int, _opaque: *mut c_void) {}

/// Calls the loop; -1 when it panics.
fn with(body: impl FnOnce() -> c_int) -> c_int {
    let mut answer = -1;
    shielded(|| answer = body());
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
    if fd < 0 {
        return -1;
    }
    with(|| {
        let theirs = Theirs { call, opaque, free };
        let call = move |watch, fd, events| theirs.ready(watch, fd, events);
        LOOP.lock().here().add_watch(fd, events, std::sync::Arc::new(call), Maker::Libvirt)
    })
}

unsafe extern "C" fn update_handle(watch: c_int, events: c_int) {
    shielded(|| super::update_watch(watch, events));
}

unsafe extern "C" fn remove_handle(watch: c_int) -> c_int {
    with(|| if super::remove_watch(watch) { 0 } else { -1 })
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
    with(|| {
        let theirs = Theirs { call, opaque, free };
        let call = move |timer| theirs.fire(timer);
        LOOP.lock().here().add_timer(frequency, std::sync::Arc::new(call), Maker::Libvirt)
    })
}

unsafe extern "C" fn update_timeout(timer: c_int, frequency: c_int) {
    shielded(|| LOOP.lock().here().update_timer_of_libvirt(timer, frequency));
}

unsafe extern "C" fn remove_timeout(timer: c_int) -> c_int {
    with(|| if super::remove_timer(timer) { 0 } else { -1 })
}
