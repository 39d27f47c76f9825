//! Registering listeners with libvirt, and taking them back.
//!
//! libvirt lets each registration hold the connection, which then never
//! closes. So a connection remembers what was registered through it, and
//! [`deregister_all`] takes it all back when its last handle goes.

use std::ffi::{CStr, c_int, c_void};

use virt::sys;

use super::signature::{self, Subscription};
use super::subject::{self, Registration, Subject};
use super::{Listener as Closure, close, free_userdata, into_userdata, kinds, unknown};
use crate::core::conn::{Listener, Source};
use crate::core::{Conn, Domain, call};
use crate::error::Result;

/// Listens to events of kind `id` from one object, or from all of the class.
/// Returns the id to deregister with.
pub fn register_any<S: Subject>(
    conn: &Conn,
    object: Option<&S>,
    id: c_int,
    listener: Closure,
) -> Result<c_int> {
    call::initialize();
    let object = object.map_or(std::ptr::null_mut(), S::untyped);
    let registration = match kinds::find(S::kinds(), id) {
        Some(kind) => Registration {
            object,
            id,
            callback: signature::callback::<S>(kind.signature),
            userdata: into_userdata(Subscription { id, names: kind.names, listener }),
            free: free_userdata::<Subscription>,
        },
        None => {
            let (callback, userdata) = unknown::callback::<S>(id, listener)?;
            Registration { object, id, callback, userdata, free: unknown::free }
        }
    };
    // SAFETY: the object is one of S or NULL; the callback is the one for this
    // event id and takes this userdata, as does the free callback.
    let returned = unsafe { S::register(conn, &registration) };
    let callback_id = keep(returned, &registration, S::REGISTER)?;
    conn.listeners().push(Listener::Any(S::SOURCE, callback_id));
    Ok(callback_id)
}

/// Stops what `register_any` began.
pub fn deregister_any(conn: &Conn, source: Source, callback_id: c_int) -> Result<()> {
    forget(conn, Listener::Any(source, callback_id));
    let (deregister, name) = subject::deregister(source)?;
    // SAFETY: the connection is live.
    call::done(unsafe { deregister(conn.raw(), callback_id) }, name)
}

/// Listens to the life cycle of all domains, the older way: once per connection.
pub fn domain_event_register(conn: &Conn, listener: Closure) -> Result<()> {
    let id = sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE as c_int;
    let names = kinds::find(kinds::DOMAIN, id).map_or(&[][..], |kind| kind.names);
    let registration = Registration {
        object: std::ptr::null_mut(),
        id,
        callback: signature::Callback::new(all_domains as *const c_void),
        userdata: into_userdata(Subscription { id, names, listener }),
        free: free_userdata::<Subscription>,
    };
    // SAFETY: the connection is live; callback, userdata and free callback go
    // together.
    let returned = unsafe {
        sys::virConnectDomainEventRegister(
            conn.raw(),
            Some(all_domains),
            registration.userdata,
            Some(registration.free),
        )
    };
    keep(returned, &registration, c"virConnectDomainEventRegister")?;
    conn.listeners().push(Listener::AllDomains);
    Ok(())
}

/// Stops what `domain_event_register` began.
pub fn domain_event_deregister(conn: &Conn) -> Result<()> {
    forget(conn, Listener::AllDomains);
    // SAFETY: the connection is live; the function is the registered one.
    let returned = unsafe { sys::virConnectDomainEventDeregister(conn.raw(), Some(all_domains)) };
    call::done(returned, c"virConnectDomainEventDeregister")
}

/// The one function of the older way: libvirt finds it again by its address.
unsafe extern "C" fn all_domains(
    conn: sys::virConnectPtr,
    dom: sys::virDomainPtr,
    event: c_int,
    detail: c_int,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: as libvirt calls it.
    unsafe { signature::lifecycle::<Domain>(conn, dom.cast(), event, detail, userdata) }
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
            Some(Listener::Any(source, id)) => deregister_any(conn, source, id),
            Some(Listener::AllDomains) => domain_event_deregister(conn),
        };
    }
    if conn.has_close_slot() {
        // Here, too, a failure means that there is none.
        let _ = close::unregister_close_callback(conn);
    }
}

/// Checks a registration; what a failed one was to keep is freed here, because
/// libvirt then does not call the free callback.
fn keep(returned: c_int, registration: &Registration, function: &'static CStr) -> Result<c_int> {
    call::number(returned, function).inspect_err(|_| {
        // SAFETY: libvirt kept nothing, so this is the last use.
        unsafe { (registration.free)(registration.userdata) }
    })
}

fn forget(conn: &Conn, listener: Listener) {
    conn.listeners().retain(|other| *other != listener);
}
