//! Listening to what happens on a connection.

use std::ffi::{c_int, c_void};

use crate::capi::event::listener;
use crate::capi::guard::status;
use crate::capi::types::{
    vkvm_conn, vkvm_destroy_callback, vkvm_domain, vkvm_error, vkvm_event_callback,
};
use crate::event::{self, Source};

/// Registers a callback for domain events of one kind, from one domain or from all.
///
/// Any number of callbacks and queues may be registered for the same events. The
/// registration holds the connection open; it ends with
/// `vkvm_conn_domain_event_deregister_any`, or with the connection handle.
///
/// If a connection to a daemon was opened before there was an event loop, its events only
/// arrive while other calls on it read them.
///
/// The map of an event has these keys, by the kind of the event (texts may be
/// null):
/// LIFECYCLE: event, detail;
/// RTC_CHANGE: utcoffset (s);
/// WATCHDOG: action;
/// IO_ERROR: srcPath, devAlias, action;
/// IO_ERROR_REASON: srcPath, devAlias, action, reason;
/// GRAPHICS: phase, local, remote (each a map with the keys family, node,
/// service), authScheme, identities (a list of maps with the keys type, name);
/// BLOCK_JOB, BLOCK_JOB_2: path, type, status;
/// DISK_CHANGE: oldSrcPath, newSrcPath, devAlias, reason;
/// TRAY_CHANGE: devAlias, reason;
/// PMWAKEUP, PMSUSPEND, PMSUSPEND_DISK: reason;
/// BALLOON_CHANGE: actual (KiB);
/// DEVICE_ADDED, DEVICE_REMOVED, DEVICE_REMOVAL_FAILED: devAlias;
/// TUNABLE, JOB_COMPLETED: params (a map);
/// AGENT_LIFECYCLE: state, reason;
/// MIGRATION_ITERATION: iteration;
/// METADATA_CHANGE: type, nsuri;
/// BLOCK_THRESHOLD: dev, path, threshold, excess (both in bytes);
/// MEMORY_FAILURE: recipient, action, flags;
/// MEMORY_DEVICE_SIZE_CHANGE: alias, size (KiB);
/// NIC_MAC_CHANGE: alias, oldMAC, newMAC;
/// VCPU_REMOVED: vcpuid;
/// CHANNEL_LIFECYCLE: state, reason, channelName;
/// and none for REBOOT, CONTROL_ERROR, and kinds that this version does not know.
///
/// - `dom` (nullable): the domain to listen to; NULL for all
/// - `event_id` (enum domain_event_id): which kind
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `callback_id`: the number to deregister with
///
/// libvirt: virConnectDomainEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_event_register_any(
    conn: *mut vkvm_conn,
    dom: *mut vkvm_domain,
    event_id: c_int,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        let (out, dom) = (c.out(callback_id, "callback_id")?, c.get_nullable(dom, "dom")?);
        let conn = c.get(conn, "conn")?;
        out.set(event::register_any(&conn, dom.as_deref(), event_id, listener)?);
        Ok(())
    })
}

/// Deregisters a callback or queue registered for domain events.
///
/// It may be called from any thread, also from the callback itself. A call of the
/// callback that is in progress on another thread is not waited for; the callback data
/// are released after it.
///
/// - `callback_id`: the number returned by the registration; it is never used again on
///   this connection
///
/// libvirt: virConnectDomainEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_event_deregister_any(
    conn: *mut vkvm_conn,
    callback_id: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::deregister_any(&*c.get(conn, "conn")?, Source::Domain, callback_id))
}

/// Registers a callback for the life cycle events of all domains; one per connection
/// handle.
///
/// This is the legacy form of `vkvm_conn_domain_event_register_any`.
///
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
///
/// libvirt: virConnectDomainEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_event_register(
    conn: *mut vkvm_conn,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        event::domain_event_register(&*c.get(conn, "conn")?, listener)
    })
}

/// Ends the registration made with `vkvm_conn_domain_event_register`.
///
/// libvirt: virConnectDomainEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_event_deregister(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::domain_event_deregister(&*c.get(conn, "conn")?))
}

/// Registers a callback for the end of the connection; one per connection handle,
/// besides any number of queues.
///
/// The map of the event has the key `reason`, one of `VKVM_CLOSE_REASON_*`. The callback
/// is called once, after the events that came before the end; then the registration is
/// over. It may call any function, and free the connection. When a connection has ended,
/// registering fails, unless the connection is opened again (`vkvm_conn_enable_resume`):
/// the callback is then called at the end of the next connection.
///
/// - `callback`: called on the thread that runs the event loop; without a loop, on the
///   thread whose call found that the connection has ended, when that call is over
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
///
/// libvirt: virConnectRegisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_register_close_callback(
    conn: *mut vkvm_conn,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        event::register_close_callback(&*c.get(conn, "conn")?, listener)
    })
}

/// Unregisters the close callback; when there is none, the queues registered for the end
/// of the connection.
///
/// libvirt: virConnectUnregisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_unregister_close_callback(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::unregister_close_callback(&*c.get(conn, "conn")?))
}

/// Opens the connection again whenever it ends: when its daemon is restarted, or
/// does not answer. If the connection has ended already, attempts to reconnect begin at
/// once.
///
/// What was registered through the connection is registered on the new one, under
/// the same numbers, but for close callbacks, which are over; and keepalive is set as it
/// was. Callbacks and queues can be registered during the outage, too: such a
/// registration succeeds, and is made on the next connection; an object that does not
/// exist there then has no events. If resuming is disabled before, the registration
/// receives no events, and ends when it is deregistered or the connection is freed. The
/// handle of the connection stays valid, and so do those of domains, snapshots, checkpoints, networks,
/// ports, pools, volumes, secrets and interfaces: each is looked up again by its
/// uuid, name or key. Those of network filters, filter bindings, node devices and
/// streams do not, nor does an identity. Events during the outage are lost; refresh
/// cached state when `VKVM_RESUME_RECONNECTED` comes. Events of the new connection are
/// delivered after it.
///
/// The connection must have been opened without a callback for credentials, which are not
/// kept; see `keep_credentials` of vkvm_conn_open_with(). An event loop must be registered.
/// Attempts to reconnect are made on a thread of their own, and each takes 30 seconds at most,
/// or as long as the `timeout_ms` of vkvm_conn_open_with().
///
/// The map of an event has the keys `event`, one of `VKVM_RESUME_*`; `reason` why
/// the connection had ended, one of `VKVM_CLOSE_REASON_*`; `attempts`, how many it
/// took so far; and `domains`, with `VKVM_RESUME_RECONNECTED` a list with a handle
/// of each domain there is now.
///
/// - `max_delay` (unit ms): the longest time between two attempts, from 100; it begins with 100
///   and doubles each time
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
///
/// libvirt: virConnectRegisterCloseCallback, virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_enable_resume(
    conn: *mut vkvm_conn,
    max_delay: c_int,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        event::enable_resume(&*c.get(conn, "conn")?, conn as usize, max_delay, listener)
    })
}

/// Ends what `vkvm_conn_enable_resume` began.
///
/// libvirt: virConnectUnregisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_disable_resume(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::disable_resume(&*c.get(conn, "conn")?))
}
