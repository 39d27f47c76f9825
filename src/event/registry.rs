//! Registering listeners with libvirt, and taking them back.
//!
//! libvirt lets each registration hold the connection, which then never
//! closes. So a connection remembers what was registered through it, and
//! [`deregister_all`] takes it all back when its last handle goes.

use std::ffi::{c_int, c_void};

use virt::sys;

use super::{Listener as Closure, close, domain, free_userdata, into_userdata};
use crate::core::call;
use crate::core::conn::Listener;
use crate::core::{Conn, Domain};
use crate::error::Result;

/// Listens to events of kind `id` from one domain, or from all. Returns the
/// id to deregister with.
pub fn domain_event_register_any(
    conn: &Conn,
    dom: Option<&Domain>,
    id: c_int,
    listener: Closure,
) -> Result<c_int> {
    let callback = domain::callback(id)?;
    let dom = dom.map_or(std::ptr::null_mut(), Domain::raw);
    let userdata = into_userdata(listener);
    // SAFETY: connection and domain are live; the callback takes a boxed
    // Closure and is of the type that libvirt has for this event id.
    let returned = unsafe {
        sys::virConnectDomainEventRegisterAny(
            conn.raw(),
            dom,
            id,
            Some(callback),
            userdata,
            Some(free_userdata::<Closure>),
        )
    };
    let callback_id = keep(returned, userdata, c"virConnectDomainEventRegisterAny")?;
    conn.listeners().push(Listener::Domain(callback_id));
    Ok(callback_id)
}

/// Stops what `domain_event_register_any` began.
pub fn domain_event_deregister_any(conn: &Conn, callback_id: c_int) -> Result<()> {
    forget(conn, Listener::Domain(callback_id));
    // SAFETY: the connection is live.
    let returned = unsafe { sys::virConnectDomainEventDeregisterAny(conn.raw(), callback_id) };
    call::done(returned, c"virConnectDomainEventDeregisterAny")
}

/// Listens to the life cycle of all domains, the older way: once per connection.
pub fn domain_event_register(conn: &Conn, listener: Closure) -> Result<()> {
    let userdata = into_userdata(listener);
    // SAFETY: as in `domain_event_register_any`.
    let returned = unsafe {
        sys::virConnectDomainEventRegister(
            conn.raw(),
            Some(domain::lifecycle),
            userdata,
            Some(free_userdata::<Closure>),
        )
    };
    keep(returned, userdata, c"virConnectDomainEventRegister")?;
    conn.listeners().push(Listener::AllDomains);
    Ok(())
}

/// Stops what `domain_event_register` began.
pub fn domain_event_deregister(conn: &Conn) -> Result<()> {
    forget(conn, Listener::AllDomains);
    // SAFETY: the connection is live; the function is the registered one.
    let returned =
        unsafe { sys::virConnectDomainEventDeregister(conn.raw(), Some(domain::lifecycle)) };
    call::done(returned, c"virConnectDomainEventDeregister")
}

/// Takes back everything that was registered through the connection.
pub fn deregister_all(conn: &Conn) {
    loop {
        // The lock is not held across the call: it may run destroy notifies.
        let listener = conn.listeners().last().copied();
        // A failure means that libvirt holds no such registration any more,
        // which is what is wanted.
        let _ = match listener {
            None => break,
            Some(Listener::Domain(id)) => domain_event_deregister_any(conn, id),
            Some(Listener::AllDomains) => domain_event_deregister(conn),
        };
    }
    if conn.has_close_slot() {
        // Here, too, a failure means that there is none.
        let _ = close::unregister_close_callback(conn);
    }
}

/// Checks a registration; the listener of a failed one is dropped here,
/// because libvirt then does not call the free callback.
fn keep(
    returned: c_int,
    userdata: *mut c_void,
    function: &'static std::ffi::CStr,
) -> Result<c_int> {
    call::number(returned, function).inspect_err(|_| {
        // SAFETY: libvirt kept nothing, so this is the last use.
        unsafe { free_userdata::<Closure>(userdata) }
    })
}

fn forget(conn: &Conn, listener: Listener) {
    conn.listeners().retain(|other| *other != listener);
}
