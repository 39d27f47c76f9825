//! libvirt's callbacks for domain events.

use std::ffi::{c_int, c_void};
use std::mem::transmute;

use virt::sys;

use super::{Event, Listener, shielded};
use crate::core::Domain;
use crate::error::{Misuse, Result};
use crate::value::Map;

/// libvirt's one type for callbacks of every signature.
type Callback = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, *mut c_void);

/// The callback with the signature that libvirt has for this event id.
pub fn callback(id: c_int) -> Result<Callback> {
    match id as u32 {
        sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE => {
            type Lifecycle = unsafe extern "C" fn(
                sys::virConnectPtr,
                sys::virDomainPtr,
                c_int,
                c_int,
                *mut c_void,
            ) -> c_int;
            // SAFETY: libvirt calls it with its real signature, by the id.
            Ok(unsafe { transmute::<Lifecycle, Callback>(lifecycle) })
        }
        _ => {
            let reason = format!("{id} is no event this version delivers; 0 (LIFECYCLE) is");
            Err(Misuse::Invalid { parameter: "event_id", reason }.into())
        }
    }
}

/// A domain was defined, started, suspended, stopped…
pub unsafe extern "C" fn lifecycle(
    _conn: sys::virConnectPtr,
    dom: sys::virDomainPtr,
    event: c_int,
    detail: c_int,
    userdata: *mut c_void,
) -> c_int {
    let mut args = Map::with_capacity(2);
    args.push_new("event", event);
    args.push_new("detail", detail);
    // SAFETY: the boxed Listener given at registration, and a live domain.
    unsafe { deliver(dom, sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE as c_int, args, userdata) };
    0
}

/// Calls the listener.
///
/// # Safety
/// `userdata` is the boxed Listener, `dom` is live for the time of the call.
unsafe fn deliver(dom: sys::virDomainPtr, id: c_int, args: Map, userdata: *mut c_void) {
    // SAFETY: as promised by the caller; the domain gets a reference of its
    // own, because libvirt's ends with the callback.
    let (listener, domain) = unsafe {
        sys::virDomainRef(dom);
        (&*userdata.cast::<Listener>(), Domain::adopt(dom))
    };
    shielded(|| listener(Event { domain: Some(domain), id, args }));
}
