// SPDX-License-Identifier: LGPL-2.1-or-later
//! A loop as libvirt sees it, the library's or the program's own: the functions that libvirt
//! calls.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use virt::sys;

use super::choice::{self, Choice};
use super::later::{self, Change, Of};
use super::pending::{self, Place, Wanted};
use super::shielded;
use super::watched::{Call, EventImpl, Watched};
use crate::core::conn::opening;
use crate::core::sigpipe;
use crate::error::Result;
use crate::fork::{self, Mask};

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

/// Whether the loop must not be called here: it is the program's own, and the thread is not.
fn is_elsewhere() -> bool {
    choice::current() == Choice::Own && fork::mask() == Mask::Own
}

/// Whose it is what this thread gives to the loop, if that has to wait.
fn waits_with() -> Option<u64> {
    let opening = opening::current().filter(|_| choice::current() == Choice::Own);
    opening.or_else(|| is_elsewhere().then_some(pending::OF_CALLS))
}

/// Keeps what libvirt adds; its number.
fn put_off(with: u64, wanted: Wanted, watched: Watched) -> c_int {
    let number = pending::add(with, wanted, watched);
    if with == pending::OF_CALLS {
        later::added();
    }
    number
}

/// Gives the loop what an opening has given to it.
pub(super) fn adopt(opening: u64) {
    if is_elsewhere() {
        pending::leave(opening);
        later::added();
    } else if choice::current() == Choice::Own {
        let Some(implementation) = IMPLEMENTATION.get() else { return };
        pending::adopt(opening, &**implementation);
    }
}

/// Gives the loop what threads of the library's have left for it, on one of the program's.
#[cold]
pub fn catch_up() {
    if fork::mask() == Mask::Own {
        return;
    }
    if let Some(implementation) = IMPLEMENTATION.get() {
        sigpipe::inside(|| shielded(|| do_what_waits(&**implementation)));
    }
}

fn do_what_waits(own: &dyn EventImpl) {
    let changes = later::take();
    pending::adopt(pending::OF_CALLS, own);
    for (of, change) in changes {
        match (of, change) {
            (Of::Watch(watch), Change::To(events)) => own.update_handle(watch, events),
            (Of::Timer(timer), Change::To(frequency)) => own.update_timeout(timer, frequency),
            (Of::Watch(watch), Change::Removed) => drop(own.remove_handle(watch)),
            (Of::Timer(timer), Change::Removed) => drop(own.remove_timeout(timer)),
        }
    }
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
    // One that is being opened may have to be ended.
    opening::watches(fd);
    let watched = Watched::new(Call::Handle(call), opaque, free);
    if let Some(with) = waits_with() {
        return put_off(with, Wanted::Watch(fd, events), watched);
    }
    with(|implementation| implementation.add_handle(fd, events, watched))
}

unsafe extern "C" fn update_handle(watch: c_int, events: c_int) {
    let watch = match pending::update(watch, true, events) {
        Place::Here => return,
        Place::Loop(number) => number,
        Place::Elsewhere => watch,
    };
    if is_elsewhere() {
        return later::update(Of::Watch(watch), events);
    }
    with(|implementation| {
        implementation.update_handle(watch, events);
        0
    });
}

unsafe extern "C" fn remove_handle(watch: c_int) -> c_int {
    let watch = match pending::remove(watch, true) {
        Place::Here => return 0,
        Place::Loop(number) => number,
        Place::Elsewhere => watch,
    };
    if is_elsewhere() {
        later::remove(Of::Watch(watch));
        return 0;
    }
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
    let watched = Watched::new(Call::Timeout(call), opaque, free);
    if let Some(with) = waits_with() {
        return put_off(with, Wanted::Timer(frequency), watched);
    }
    with(|implementation| implementation.add_timeout(frequency, watched))
}

unsafe extern "C" fn update_timeout(timer: c_int, frequency: c_int) {
    let timer = match pending::update(timer, false, frequency) {
        Place::Here => return,
        Place::Loop(number) => number,
        Place::Elsewhere => timer,
    };
    if is_elsewhere() {
        return later::update(Of::Timer(timer), frequency);
    }
    with(|implementation| {
        implementation.update_timeout(timer, frequency);
        0
    });
}

unsafe extern "C" fn remove_timeout(timer: c_int) -> c_int {
    let timer = match pending::remove(timer, false) {
        Place::Here => return 0,
        Place::Loop(number) => number,
        Place::Elsewhere => timer,
    };
    if is_elsewhere() {
        later::remove(Of::Timer(timer));
        return 0;
    }
    with(|implementation| implementation.remove_timeout(timer))
}
