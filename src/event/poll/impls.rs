// SPDX-License-Identifier: LGPL-2.1-or-later
//! The library's loop, given to libvirt.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use virt::sys;

use super::super::choice;
use super::super::event_impl;
use super::super::watched::{EventImpl, Watched};
use super::table::{LOOP, Maker};
use crate::core::call;
use crate::core::conn::opening;
use crate::error::Result;

/// The library's loop.
struct Ours;

impl EventImpl for Ours {
    fn add_handle(&self, fd: c_int, events: c_int, watched: Watched) -> c_int {
        if fd < 0 {
            watched.forget();
            return -1;
        }
        let call = move |watch, fd, events| watched.ready(watch, fd, events);
        let is_held = opening::is_under_way();
        let watch = LOOP.lock().add_watch_of_libvirt(fd, events, Arc::new(call), is_held);
        opening::afterwards(move || LOOP.lock().release(watch));
        watch
    }

    fn update_handle(&self, watch: c_int, events: c_int) {
        super::update_watch(watch, events);
    }

    fn remove_handle(&self, watch: c_int) -> c_int {
        if super::remove_watch(watch) { 0 } else { -1 }
    }

    fn add_timeout(&self, frequency: c_int, watched: Watched) -> c_int {
        let call = move |timer| watched.fire(timer);
        LOOP.lock().add_timer(frequency, Arc::new(call), Maker::Libvirt)
    }

    fn update_timeout(&self, timer: c_int, frequency: c_int) {
        LOOP.lock().update_timer_of_libvirt(timer, frequency);
    }

    fn remove_timeout(&self, timer: c_int) -> c_int {
        if super::remove_timer(timer) { 0 } else { -1 }
    }
}

/// Gives the loop to libvirt. Fails where libvirt has been given another one.
pub(in crate::event) fn install(what: &'static str) -> Result<()> {
    super::turn::prepare()?;
    LOOP.lock().is_installed();
    event_impl::install(Box::new(Ours));
    // libvirt keeps the first loop that it is given, and does not say so: does a
    // timer that it gets reach this one?
    // SAFETY: a callback that uses nothing, and no data to free.
    let probe = unsafe { sys::virEventAddTimeout(-1, Some(nothing), std::ptr::null_mut(), None) };
    let probe = call::number(probe, c"virEventAddTimeout")?;
    let is_ours = LOOP.lock().timer_count() > 0;
    // SAFETY: libvirt ignores a timer that it does not know.
    unsafe { sys::virEventRemoveTimeout(probe) };
    drop(LOOP.lock().take_ended());
    if is_ours {
        Ok(())
    } else {
        choice::refuse(what, "another library has given libvirt an event loop already")
    }
}

unsafe extern "C" fn nothing(_timer: c_int, _opaque: *mut c_void) {}
