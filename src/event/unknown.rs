//! Kinds of events that this version of the library does not know.
//!
//! How libvirt calls back is only known of the connection and the object, which
//! come first; where among the arguments the registered pointer is, is not. So
//! each such registration gets a function of its own, out of a few that are made
//! beforehand, and what is registered is found by that.

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use virt::sys;

use super::signature::Callback;
use super::subject::Subject;
use super::{Event, Listener, shielded};
use crate::error::{Misuse, Result};
use crate::value::Map;

/// How many registrations there can be at a time.
pub(super) const ROOM: usize = 8;

struct Unknown {
    id: c_int,
    listener: Arc<Listener>,
}

static SLOTS: [Mutex<Option<Arc<Unknown>>>; ROOM] = [const { Mutex::new(None) }; ROOM];

fn slot(number: usize) -> std::sync::MutexGuard<'static, Option<Arc<Unknown>>> {
    SLOTS[number].lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a free function for this kind of event. `userdata` goes with it to
/// [`free`], which gives it back.
pub(super) fn callback<S: Subject>(
    id: c_int,
    listener: Arc<Listener>,
) -> Result<(Callback, *mut c_void)> {
    let mut unknown = Some(Arc::new(Unknown { id, listener }));
    for number in 0..ROOM {
        let mut place = slot(number);
        if place.is_none() {
            *place = unknown.take();
            return Ok((Callback::new(functions::<S>()[number]), number as *mut c_void));
        }
    }
    let reason = format!(
        "{id} is no event that this version knows, and it can deliver {ROOM} such registrations \
         at a time"
    );
    Err(Misuse::Invalid { parameter: "event_id", reason }.into())
}

/// libvirt's free callback for these registrations.
///
/// # Safety
/// `userdata` came from [`callback`], and this is its last use.
pub(super) unsafe extern "C" fn free(userdata: *mut c_void) {
    let unknown = slot(userdata as usize).take();
    shielded(|| drop(unknown));
}

/// The functions, for a class.
fn functions<S: Subject>() -> [*const c_void; ROOM] {
    [
        called::<S, 0> as *const c_void,
        called::<S, 1> as *const c_void,
        called::<S, 2> as *const c_void,
        called::<S, 3> as *const c_void,
        called::<S, 4> as *const c_void,
        called::<S, 5> as *const c_void,
        called::<S, 6> as *const c_void,
        called::<S, 7> as *const c_void,
    ]
}

/// Takes the first two arguments; on every platform that libvirt runs on, a C
/// function may be called with more than it takes.
unsafe extern "C" fn called<S: Subject, const SLOT: usize>(
    _: sys::virConnectPtr,
    object: *mut c_void,
) {
    let Some(unknown) = slot(SLOT).clone() else {
        return;
    };
    // SAFETY: libvirt calls with a live object of the class.
    let object = unsafe { S::borrow(object) };
    shielded(move || {
        (unknown.listener)(Event { object: Some(object), id: unknown.id, args: Map::new() });
    });
}
