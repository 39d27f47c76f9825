//! libvirt's default event loop, and what a program adds to it.

use std::ffi::c_int;

use virt::sys;

use super::{free_userdata, into_userdata, shielded};
use crate::core::call;
use crate::error::Result;

/// Called when a timer fires; gets the timer's id.
pub type Ticker = Box<dyn Fn(c_int) + Send + Sync>;

/// Called when a file descriptor is ready; gets watch id, descriptor, events.
pub type Watcher = Box<dyn Fn(c_int, c_int, c_int) + Send + Sync>;

/// Makes libvirt's own loop the process's event loop.
pub fn register_default() -> Result<()> {
    call::initialize();
    // SAFETY: may be called at any time; libvirt ignores a repetition.
    call::done(unsafe { sys::virEventRegisterDefaultImpl() }, c"virEventRegisterDefaultImpl")
}

/// Waits until something happens, and calls who wants to know.
pub fn run_default() -> Result<()> {
    // SAFETY: no arguments; fails when the default loop is not registered.
    call::done(unsafe { sys::virEventRunDefaultImpl() }, c"virEventRunDefaultImpl")
}

/// Adds a timer; it fires each `frequency` ms, with 0 on each turn of the
/// loop, with -1 not until it is updated.
pub fn add_timeout(frequency: c_int, ticker: Ticker) -> Result<c_int> {
    call::initialize();
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
    // SAFETY: libvirt ignores a timer that it does not know.
    unsafe { sys::virEventUpdateTimeout(timer, frequency) }
}

/// Removes a timer.
pub fn remove_timeout(timer: c_int) -> Result<()> {
    // SAFETY: libvirt fails for a timer that it does not know.
    call::done(unsafe { sys::virEventRemoveTimeout(timer) }, c"virEventRemoveTimeout")
}

/// Watches a file descriptor for `events`, some of `EVENT_HANDLE_*`.
pub fn add_handle(fd: c_int, events: c_int, watcher: Watcher) -> Result<c_int> {
    call::initialize();
    let userdata = into_userdata(watcher);
    // SAFETY: callback and free callback take a boxed Watcher.
    let watch = unsafe {
        sys::virEventAddHandle(fd, events, Some(ready), userdata, Some(free_userdata::<Watcher>))
    };
    call::number(watch, c"virEventAddHandle").inspect_err(|_| {
        // SAFETY: a failed registration keeps nothing, so the box is ours.
        unsafe { free_userdata::<Watcher>(userdata) }
    })
}

/// Changes what a descriptor is watched for.
pub fn update_handle(watch: c_int, events: c_int) {
    // SAFETY: libvirt ignores a watch that it does not know.
    unsafe { sys::virEventUpdateHandle(watch, events) }
}

/// Stops watching a descriptor.
pub fn remove_handle(watch: c_int) -> Result<()> {
    // SAFETY: libvirt fails for a watch that it does not know.
    call::done(unsafe { sys::virEventRemoveHandle(watch) }, c"virEventRemoveHandle")
}

unsafe extern "C" fn tick(timer: c_int, userdata: *mut libc::c_void) {
    // SAFETY: the boxed Ticker that `add_timeout` gave to libvirt.
    let ticker = unsafe { &*userdata.cast::<Ticker>() };
    shielded(|| ticker(timer));
}

unsafe extern "C" fn ready(watch: c_int, fd: c_int, events: c_int, userdata: *mut libc::c_void) {
    // SAFETY: the boxed Watcher that `add_handle` gave to libvirt.
    let watcher = unsafe { &*userdata.cast::<Watcher>() };
    shielded(|| watcher(watch, fd, events));
}
