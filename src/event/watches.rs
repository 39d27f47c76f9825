// SPDX-License-Identifier: LGPL-2.1-or-later
//! Timers, and watches of descriptors, in whichever loop there is. The program comes
//! through `given.rs`.

use std::ffi::c_int;

use virt::sys;

use super::choice::{self, Choice, ready};
use super::poll::{self, Ticker, Watcher};
use super::{free_userdata, into_userdata, shielded};
use crate::core::call;
use crate::error::{Error, Misuse, Result};

/// Whether the loop is the library's, so that libvirt need not be asked.
fn is_ours() -> bool {
    matches!(choice::current(), Choice::Default | Choice::Thread)
}

/// Adds a timer; it fires each `frequency` ms, with 0 on each turn of the
/// loop, with -1 not until it is updated.
pub fn add_timeout(frequency: c_int, ticker: Ticker) -> Result<c_int> {
    ready("adding a timer")?;
    if is_ours() {
        return Ok(poll::add_timer(frequency, ticker));
    }
    let userdata = into_userdata(ticker);
    // SAFETY: callback and free callback take a boxed Ticker.
    let timer = unsafe {
        sys::virEventAddTimeout(frequency, Some(tick), userdata, Some(free_userdata::<Ticker>))
    };
    call::number(timer, c"virEventAddTimeout").inspect_err(|_| {
        // SAFETY: a failed registration keeps nothing, so the box is ours.
        unsafe { free_userdata::<Ticker>(userdata) }
    })
}

/// Changes how often a timer fires.
pub fn update_timeout(timer: c_int, frequency: c_int) {
    if is_ours() {
        return poll::update_timer(timer, frequency);
    }
    call::initialize();
    // SAFETY: libvirt ignores a timer that it does not know.
    unsafe { sys::virEventUpdateTimeout(timer, frequency) }
}

/// Removes a timer.
pub fn remove_timeout(timer: c_int) -> Result<()> {
    ready("removing a timer")?;
    let removed = if is_ours() {
        poll::remove_timer(timer)
    } else {
        // SAFETY: libvirt fails for a timer that it does not know.
        unsafe { sys::virEventRemoveTimeout(timer) == 0 }
    };
    if removed { Ok(()) } else { Err(unknown("timer", timer)) }
}

/// Watches a file descriptor for `events`, some of `EVENT_HANDLE_*`.
pub fn add_handle(fd: c_int, events: c_int, watcher: Watcher) -> Result<c_int> {
    ready("adding a watch")?;
    if fd < 0 {
        let reason = format!("{fd} is no file descriptor");
        return Err(Misuse::Invalid { parameter: "fd", reason }.into());
    }
    if is_ours() {
        return Ok(poll::add_watch(fd, events, watcher));
    }
    let userdata = into_userdata(watcher);
    // SAFETY: callback and free callback take a boxed Watcher.
    let watch = unsafe {
        sys::virEventAddHandle(fd, events, Some(fd_ready), userdata, Some(free_userdata::<Watcher>))
    };
    call::number(watch, c"virEventAddHandle").inspect_err(|_| {
        // SAFETY: a failed registration keeps nothing, so the box is ours.
        unsafe { free_userdata::<Watcher>(userdata) }
    })
}

/// Changes what a descriptor is watched for.
pub fn update_handle(watch: c_int, events: c_int) {
    if is_ours() {
        return poll::update_watch(watch, events);
    }
    call::initialize();
    // SAFETY: libvirt ignores a watch that it does not know.
    unsafe { sys::virEventUpdateHandle(watch, events) }
}

/// Stops watching a descriptor.
pub fn remove_handle(watch: c_int) -> Result<()> {
    ready("removing a watch")?;
    let removed = if is_ours() {
        poll::remove_watch(watch)
    } else {
        // SAFETY: libvirt fails for a watch that it does not know.
        unsafe { sys::virEventRemoveHandle(watch) == 0 }
    };
    if removed { Ok(()) } else { Err(unknown("watch", watch)) }
}

/// libvirt records no error for a timer or watch that it does not know.
pub(super) fn unknown(parameter: &'static str, number: c_int) -> Error {
    Misuse::Invalid { parameter, reason: format!("there is no {parameter} {number}") }.into()
}

unsafe extern "C" fn tick(timer: c_int, userdata: *mut libc::c_void) {
    // SAFETY: the boxed Ticker that `add_timeout` gave to libvirt.
    let ticker = unsafe { &*userdata.cast::<Ticker>() };
    shielded(|| ticker(timer));
}

unsafe extern "C" fn fd_ready(watch: c_int, fd: c_int, events: c_int, userdata: *mut libc::c_void) {
    // SAFETY: the boxed Watcher that `add_handle` gave to libvirt.
    let watcher = unsafe { &*userdata.cast::<Watcher>() };
    shielded(|| watcher(watch, fd, events));
}
