// SPDX-License-Identifier: LGPL-2.1-or-later
//! How libvirt says that a connection has ended.
//!
//! It does so under a lock that it needs for nearly everything. So nothing of the
//! program's runs there: it is told on the event loop, or where there is none when the
//! call that found it out is over, and may do what it likes.

use std::ffi::{c_int, c_void};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use virt::sys;

use super::callback::opaque;
use super::choice::{self, Choice};
use super::listeners::{HUB, Kind, Registration, refusal};
use super::{Event, deferred, shielded};
use crate::core::call;
use crate::core::line::ConnRef;
use crate::error::Result;
use crate::fork::Leaf;
use crate::value::Map;

/// Registers on a connection.
pub(super) fn begin(link: &ConnRef, tap: usize) -> Result<Registration> {
    // libvirt would say that there is a callback already: it keeps the one that it has told.
    if !link.is_alive() {
        return Err(refusal("has ended; only the end of one that is open can be listened to"));
    }
    if choice::current() != Choice::None {
        // Not only when libvirt calls: a loop of the program's own is asked for it.
        deferred::prepare()?;
    }
    // SAFETY: the connection is live while `link` is; the callback gets a number.
    let returned = unsafe {
        sys::virConnectRegisterCloseCallback(link.raw(), Some(closed), opaque(tap), None)
    };
    call::done(returned, c"virConnectRegisterCloseCallback")?;
    // One that has ended in between libvirt may not tell of any more.
    if !link.is_alive() {
        tell_later(tap, sys::VIR_CONNECT_CLOSE_REASON_ERROR as c_int);
    }
    Ok(Registration::new(link, |link| {
        // A failure means that there is none any more, or that libvirt keeps a number
        // that is nobody's.
        // SAFETY: the connection is live while `link` is.
        unsafe { sys::virConnectUnregisterCloseCallback(link.raw(), Some(closed)) };
    }))
}

/// Ends of connections that nobody was told of, by the tap, with the reason.
static UNTOLD: Leaf<Vec<(usize, c_int)>> = Leaf::new(Vec::new());

/// Whether there may be some.
static ANY_UNTOLD: AtomicBool = AtomicBool::new(false);

/// libvirt's callback.
unsafe extern "C" fn closed(_conn: sys::virConnectPtr, reason: c_int, tap: *mut c_void) {
    shielded(|| tell_later(tap.addr(), reason));
}

/// On the loop, a turn later, so that what libvirt has still received comes before it.
/// Once: a tap that was told of is gone.
fn tell_later(tap: usize, reason: c_int) {
    let told = deferred::defer(Box::new(move || {
        // The loop that runs this takes one more.
        let _ = deferred::defer(Box::new(move || tell(tap, reason)));
    }));
    if told.is_err() {
        UNTOLD.lock().push((tap, reason));
        ANY_UNTOLD.store(true, Ordering::Release);
    }
}

/// Whether there is something for [`tell_untold`].
#[inline]
pub fn has_untold() -> bool {
    ANY_UNTOLD.load(Ordering::Relaxed)
}

/// Tells of the ends of connections, where there is no loop to do so. Called when a
/// call is over, which may be what found them.
#[cold]
pub fn tell_untold() {
    ANY_UNTOLD.store(false, Ordering::Release);
    let untold = mem::take(&mut *UNTOLD.lock());
    for (tap, reason) in untold {
        shielded(|| tell(tap, reason));
    }
}

/// libvirt tells once. Who listens for the program is done then; what opens the
/// connection again, which comes last, goes on.
fn tell(tap: usize, reason: c_int) {
    let is_lasting = |kind: Kind| kind == Kind::Resume;
    let mut entries = HUB.take_last(tap, |role| is_lasting(role.kind));
    entries.sort_by_key(|entry| is_lasting(entry.role.kind));
    for entry in entries {
        let mut args = Map::with_capacity(1);
        args.push_new("reason", reason);
        entry.tell(Event { object: None, id: 0, args });
    }
}
