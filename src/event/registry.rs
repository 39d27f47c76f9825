//! Registering listeners with libvirt, and taking them back.
//!
//! libvirt lets each registration hold the connection, which then never
//! closes. So a connection remembers what was registered through it, and
//! [`deregister_all`] takes it all back when its last handle goes.

use std::ffi::{CStr, c_int, c_void};
use std::sync::Arc;

use virt::sys;

use super::signature::{self, Subscription};
use super::subject::{self, Registration, Subject};
use super::{Listener as Closure, choice, close, free_userdata, into_userdata, kinds, unknown};
use crate::core::conn::{Listener, Registered, Source};
use crate::core::{Conn, Domain, call};
use crate::error::Result;

/// Listens to events of kind `id` from one object, or from all of the class.
/// Returns the id to deregister with.
pub fn register_any<S: Subject + 'static>(
    conn: &Conn,
    object: Option<&S>,
    id: c_int,
    listener: Closure,
) -> Result<c_int> {
    choice::not_left_behind("listening to events")?;
    let (object, listener) = (object.map(S::reference), Arc::new(listener));
    let again = move |conn: &Conn| begin_any(conn, object.as_ref(), id, Arc::clone(&listener));
    let callback_id = again(conn)?;
    remember(conn, Listener::Any(S::SOURCE, callback_id), callback_id, again);
    Ok(callback_id)
}

fn begin_any<S: Subject>(
    conn: &Conn,
    object: Option<&S>,
    id: c_int,
    listener: Arc<Closure>,
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
    keep(returned, &registration, S::REGISTER)
}

/// Stops what `register_any` began.
pub fn deregister_any(conn: &Conn, source: Source, callback_id: c_int) -> Result<()> {
    let registered = forget(conn, Listener::Any(source, callback_id));
    let now = registered.as_ref().map_or(callback_id, |registered| registered.now);
    let (deregister, name) = subject::deregister(source)?;
    // SAFETY: the connection is live.
    call::done(unsafe { deregister(conn.raw(), now) }, name)
}

/// Listens to the life cycle of all domains, the older way: once per connection.
pub fn domain_event_register(conn: &Conn, listener: Closure) -> Result<()> {
    choice::not_left_behind("listening to events")?;
    let listener = Arc::new(listener);
    let again = move |conn: &Conn| begin_all_domains(conn, Arc::clone(&listener));
    let returned = again(conn)?;
    remember(conn, Listener::AllDomains, returned, again);
    Ok(())
}

fn begin_all_domains(conn: &Conn, listener: Arc<Closure>) -> Result<c_int> {
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
    keep(returned, &registration, c"virConnectDomainEventRegister")
}

/// Stops what `domain_event_register` began.
pub fn domain_event_deregister(conn: &Conn) -> Result<()> {
    let _registered = forget(conn, Listener::AllDomains);
    // SAFETY: the connection is live; the function is the registered one.
    let returned = unsafe { sys::virConnectDomainEventDeregister(conn.raw(), Some(all_domains)) };
    call::done(returned, c"virConnectDomainEventDeregister")
}

/// Moves a registration from the connection `old` to the one that is in use.
pub(super) fn move_from(conn: &Conn, old: sys::virConnectPtr, listener: Listener) {
    let find = || {
        let registered = conn.listeners();
        let found = registered.iter().find(|registered| registered.listener == listener)?;
        Some((found.now, Arc::clone(&found.again)))
    };
    let Some((before, again)) = find() else {
        return;
    };
    // What cannot be registered any more, because its object is gone, has nothing
    // to tell either. It stays in the list: next time the object may be back.
    if let Ok(now) = again(conn) {
        for registered in conn.listeners().iter_mut() {
            if registered.listener == listener {
                registered.now = now;
            }
        }
    }
    // The server does not answer any more; what counts is that libvirt lets go of
    // the listener and of the connection.
    // SAFETY: the old connection is live by the caller's reference.
    let _ = unsafe {
        match listener {
            Listener::Any(source, _) => {
                subject::deregister(source).map_or(-1, |(deregister, _)| deregister(old, before))
            }
            Listener::AllDomains => sys::virConnectDomainEventDeregister(old, Some(all_domains)),
        }
    };
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
        let listener = conn.listeners().last().map(|registered| registered.listener);
        // A failure means that libvirt holds no such registration any more,
        // which is what is wanted.
        let _ = match listener {
            None => break,
            Some(Listener::Any(source, id)) => deregister_any(conn, source, id),
            Some(Listener::AllDomains) => domain_event_deregister(conn),
        };
    }
    drop(conn.resume_slot().take());
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

/// Notes what was registered, and how to do so again.
pub(super) fn remember(
    conn: &Conn,
    listener: Listener,
    now: c_int,
    again: impl Fn(&Conn) -> Result<c_int> + Send + Sync + 'static,
) {
    conn.listeners().push(Registered { listener, now, again: Arc::new(again) });
}

/// Takes a registration out of the list. To be dropped after libvirt's has ended:
/// it may be the last that holds the listener, whose destroy notify then runs.
fn forget(conn: &Conn, listener: Listener) -> Option<Registered> {
    let mut registered = conn.listeners();
    let place = registered.iter().position(|registered| registered.listener == listener)?;
    Some(registered.remove(place))
}
