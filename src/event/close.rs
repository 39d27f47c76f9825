//! Listening to the end of a connection.
//!
//! libvirt calls the listener, and frees it, under a lock that it needs to take
//! a listener back; and drivers that know no end of a connection take a listener
//! without ever freeing it. So the listener stays ours: the connection keeps it,
//! libvirt only gets to know where it is.

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Weak};

use virt::sys;

use super::{Event, Listener, choice, shielded};
use crate::core::conn::ListenerSlot;
use crate::core::{Conn, call};
use crate::error::{Error, Misuse, Result};
use crate::value::Map;

struct Closing {
    listener: Listener,
    /// Where the connection keeps this.
    slot: Weak<ListenerSlot>,
}

/// Listens to the end of the connection: once per connection.
pub fn register_close_callback(conn: &Conn, listener: Listener) -> Result<()> {
    choice::not_left_behind("listening to the end of a connection")?;
    let closing = Arc::new(Closing { listener, slot: Arc::downgrade(conn.close_slot()) });
    let place = Arc::as_ptr(&closing);
    if !conn.close_slot().fill(closing) {
        return Err(refusal("has a close callback already; unregister it first"));
    }
    // SAFETY: the connection is live; it keeps what `place` points to until the
    // registration is over.
    let returned = unsafe {
        sys::virConnectRegisterCloseCallback(
            conn.raw(),
            Some(closed),
            place.cast_mut().cast(),
            None,
        )
    };
    call::done(returned, c"virConnectRegisterCloseCallback")
        .inspect_err(|_| drop(conn.close_slot().take()))
}

/// Stops what `register_close_callback` began. Once the callback was called, it
/// is over anyway.
pub fn unregister_close_callback(conn: &Conn) -> Result<()> {
    let closing = conn.close_slot().take().ok_or_else(|| refusal("has no close callback"))?;
    // SAFETY: the connection is live; the function is the registered one.
    let returned = unsafe { sys::virConnectUnregisterCloseCallback(conn.raw(), Some(closed)) };
    // Only now may it go: until then libvirt may have been calling it.
    drop(closing);
    call::done(returned, c"virConnectUnregisterCloseCallback")
}

fn refusal(reason: &str) -> Error {
    Misuse::Invalid { parameter: "conn", reason: reason.to_owned() }.into()
}

unsafe extern "C" fn closed(_conn: sys::virConnectPtr, reason: c_int, userdata: *mut c_void) {
    let place: *const Closing = userdata.cast_const().cast();
    // SAFETY: an Arc's pointer, and the connection has a hold on it: it gives it
    // up below, or after libvirt has said that this function is done.
    let closing = unsafe {
        Arc::increment_strong_count(place);
        Arc::from_raw(place)
    };
    // libvirt calls once. The listener may close the connection, which must not
    // ask libvirt to take back what is over.
    drop(closing.slot.upgrade().and_then(|slot| slot.take()));
    shielded(move || {
        let mut args = Map::with_capacity(1);
        args.push_new("reason", reason);
        (closing.listener)(Event { object: None, id: 0, args });
    });
}
