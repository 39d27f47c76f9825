//! Kinds of events that this version of the library does not know.
//!
//! How libvirt calls back is only known of the connection and the object, which
//! come first; where among the arguments the registered number is, is not. So
//! each such registration gets a function of its own, out of a few that are made
//! beforehand, and what is registered is found by that.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::callback::Callback;
use super::signature;
use super::subject::Subject;
use crate::error::{Misuse, Result};
use crate::fork::Leaf;

/// How many registrations there can be at a time.
pub(super) const ROOM: usize = 8;

/// What a function is used for.
#[derive(Clone, Copy)]
struct Use {
    /// Who is told; 0 while it is used for nothing.
    tap: usize,
    /// Counts the uses: libvirt may say that an earlier one is over.
    count: usize,
}

static USES: Leaf<[Use; ROOM]> = Leaf::new([Use { tap: 0, count: 0 }; ROOM]);

/// A function for a registration. Free again when this is dropped, unless libvirt
/// keeps it.
pub(super) struct Place {
    function: usize,
    count: usize,
    callback: Callback,
}

impl Place {
    /// Takes a free function for events of kind `id`, which `tap` is told of.
    pub(super) fn take<S: Subject>(id: c_int, tap: usize) -> Result<Self> {
        let mut uses = USES.lock();
        let Some(function) = uses.iter().position(|it| it.tap == 0) else {
            let reason = format!(
                "{id} is no event that this version knows, and it can deliver {ROOM} such \
                 registrations at a time"
            );
            return Err(Misuse::Invalid { parameter: "event_id", reason }.into());
        };
        let count = uses[function].count + 1;
        uses[function] = Use { tap, count };
        Ok(Place { function, count, callback: Callback::new(functions::<S>()[function]) })
    }

    pub(super) fn callback(&self) -> Callback {
        self.callback
    }

    /// What libvirt gives to [`free`].
    pub(super) fn opaque(&self) -> *mut c_void {
        ptr::without_provenance_mut(self.count * ROOM + self.function)
    }

    /// libvirt has it, and says when it is over.
    pub(super) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        release(self.function, self.count);
    }
}

fn release(function: usize, count: usize) {
    let mut uses = USES.lock();
    if uses[function].count == count {
        uses[function].tap = 0;
    }
}

/// libvirt's free callback for these registrations. Some libvirts also call it for one
/// that failed.
pub(super) unsafe extern "C" fn free(opaque: *mut c_void) {
    release(opaque.addr() % ROOM, opaque.addr() / ROOM);
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
unsafe extern "C" fn called<S: Subject, const FUNCTION: usize>(
    _: virt::sys::virConnectPtr,
    object: *mut c_void,
) {
    let tap = USES.lock()[FUNCTION].tap;
    // SAFETY: libvirt calls with a live object of the class.
    unsafe { signature::deliver::<S, 0>(object, ptr::without_provenance_mut(tap), []) }
}
