// SPDX-License-Identifier: LGPL-2.1-or-later
//! A loop of C's own, as the event layer wants it.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::caller::Foreign;
use super::types::{
    vkvm_destroy_callback, vkvm_event_impl, vkvm_timeout_callback, vkvm_watch_callback,
};
use crate::error::{Misuse, Result};
use crate::event::{self, EventImpl, Numbers, Watched};

type AddHandle = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    c_int,
    vkvm_watch_callback,
    *mut c_void,
    vkvm_destroy_callback,
) -> c_int;
type AddTimeout = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    vkvm_timeout_callback,
    *mut c_void,
    vkvm_destroy_callback,
) -> c_int;
type Update = unsafe extern "C" fn(*mut c_void, c_int, c_int);
type Remove = unsafe extern "C" fn(*mut c_void, c_int) -> c_int;

/// A loop of C's own.
pub struct ForeignLoop {
    add_handle: AddHandle,
    update_handle: Update,
    remove_handle: Remove,
    add_timeout: AddTimeout,
    update_timeout: Update,
    remove_timeout: Remove,
    /// Keeps the userdata.
    foreign: Foreign<vkvm_event_impl>,
}

impl ForeignLoop {
    /// Checks that all functions are there.
    pub fn new(foreign: Foreign<vkvm_event_impl>) -> Result<Self> {
        let functions = foreign.function("functions")?;
        let missing = || Misuse::Invalid {
            parameter: "functions",
            reason: "a member is NULL; all six functions are needed".to_owned(),
        };
        Ok(ForeignLoop {
            add_handle: functions.add_handle.ok_or_else(missing)?,
            update_handle: functions.update_handle.ok_or_else(missing)?,
            remove_handle: functions.remove_handle.ok_or_else(missing)?,
            add_timeout: functions.add_timeout.ok_or_else(missing)?,
            update_timeout: functions.update_timeout.ok_or_else(missing)?,
            remove_timeout: functions.remove_timeout.ok_or_else(missing)?,
            foreign,
        })
    }

    /// Gives C the number of what is watched; takes it back when that fails.
    fn add(&self, watched: Watched, add: impl FnOnce(*mut c_void, *mut c_void) -> c_int) -> c_int {
        let data = WATCHED.add(watched);
        let number = self.foreign.call(|userdata| add(userdata, ptr::without_provenance_mut(data)));
        if number < 0 {
            if let Some(watched) = WATCHED.remove(data) {
                watched.forget();
            }
        }
        number
    }
}

impl EventImpl for ForeignLoop {
    fn add_handle(&self, fd: c_int, events: c_int, watched: Watched) -> c_int {
        let call = self.add_handle;
        // SAFETY: C's own function and userdata, by the contract.
        self.add(watched, |userdata, data| unsafe {
            call(userdata, fd, events, Some(run_handle), data, Some(free))
        })
    }

    fn update_handle(&self, watch: c_int, events: c_int) {
        // SAFETY: C's own function and userdata, by the contract.
        self.foreign.call(|userdata| unsafe { (self.update_handle)(userdata, watch, events) });
    }

    fn remove_handle(&self, watch: c_int) -> c_int {
        // SAFETY: C's own function and userdata, by the contract.
        self.foreign.call(|userdata| unsafe { (self.remove_handle)(userdata, watch) })
    }

    fn add_timeout(&self, frequency: c_int, watched: Watched) -> c_int {
        let call = self.add_timeout;
        // SAFETY: C's own function and userdata, by the contract.
        self.add(watched, |userdata, data| unsafe {
            call(userdata, frequency, Some(run_timeout), data, Some(free))
        })
    }

    fn update_timeout(&self, timer: c_int, frequency: c_int) {
        // SAFETY: C's own function and userdata, by the contract.
        self.foreign.call(|userdata| unsafe { (self.update_timeout)(userdata, timer, frequency) });
    }

    fn remove_timeout(&self, timer: c_int) -> c_int {
        // SAFETY: C's own function and userdata, by the contract.
        self.foreign.call(|userdata| unsafe { (self.remove_timeout)(userdata, timer) })
    }
}

/// What C's loop watches: it has numbers, and may call with one that is over.
static WATCHED: Numbers<Watched> = Numbers::new();

unsafe extern "C" fn run_handle(watch: c_int, fd: c_int, events: c_int, data: *mut c_void) {
    if let Some(watched) = WATCHED.get(data.addr()) {
        watched.run_handle(watch, fd, events);
        if event::has_put_off() {
            event::catch_up();
        }
    }
}

unsafe extern "C" fn run_timeout(timer: c_int, data: *mut c_void) {
    if let Some(watched) = WATCHED.get(data.addr()) {
        watched.run_timeout(timer);
        if event::has_put_off() {
            event::catch_up();
        }
    }
}

unsafe extern "C" fn free(data: *mut c_void) {
    // libvirt's function, which dropping may call, does not unwind.
    drop(WATCHED.remove(data.addr()));
}
