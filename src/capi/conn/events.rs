// SPDX-License-Identifier: LGPL-2.1-or-later
//! Listening to what happens on a connection.

use std::ffi::{c_int, c_void};

use crate::capi::event::listener;
use crate::capi::guard::status;
use crate::capi::types::{
    vkvm_conn, vkvm_destroy_callback, vkvm_domain, vkvm_error, vkvm_event_callback,
};
use crate::event::{self, Source};

/// Registers a callback for domain events of one kind, of one domain or of all.
///
/// Any number of callbacks and queues can be registered for the same events. The registration
/// keeps the connection open; it ends with `vkvm_conn_domain_event_deregister_any`, or with the
/// connection handle.
///
/// Register an event loop before the connection is opened: without one, events of a daemon
/// arrive only while other calls on the connection read them.
///
/// The arguments of an event are a map. Its keys depend on the kind (texts may be null):
///
/// - LIFECYCLE: `event`, `detail`
/// - RTC_CHANGE: `utcoffset` (s)
/// - WATCHDOG: `action`
/// - IO_ERROR: `srcPath`, `devAlias`, `action`
/// - IO_ERROR_REASON: `srcPath`, `devAlias`, `action`, `reason`
/// - GRAPHICS: `phase`, `local` and `remote` (maps with the keys `family`, `node`, `service`),
///   `authScheme`, `identities` (a list of maps with the keys `type`, `name`)
/// - BLOCK_JOB, BLOCK_JOB_2: `path`, `type`, `status`
/// - DISK_CHANGE: `oldSrcPath`, `newSrcPath`, `devAlias`, `reason`
/// - TRAY_CHANGE: `devAlias`, `reason`
/// - PMWAKEUP, PMSUSPEND, PMSUSPEND_DISK: `reason`
/// - BALLOON_CHANGE: `actual` (KiB)
/// - DEVICE_ADDED, DEVICE_REMOVED, DEVICE_REMOVAL_FAILED: `devAlias`
/// - TUNABLE, JOB_COMPLETED: `params` (a map)
/// - AGENT_LIFECYCLE: `state`, `reason`
/// - MIGRATION_ITERATION: `iteration`
/// - METADATA_CHANGE: `type`, `nsuri`
/// - BLOCK_THRESHOLD: `dev`, `path`, `threshold`, `excess` (both in bytes)
/// - MEMORY_FAILURE: `recipient`, `action`, `flags`
/// - MEMORY_DEVICE_SIZE_CHANGE: `alias`, `size` (KiB)
/// - NIC_MAC_CHANGE: `alias`, `oldMAC`, `newMAC`
/// - VCPU_REMOVED: `vcpuid`
/// - CHANNEL_LIFECYCLE: `state`, `reason`, `channelName`
/// - REBOOT, CONTROL_ERROR: none
///
/// - `dom` (nullable): the domain whose events to deliver; NULL means all
/// - `event_id` (enum domain_event_id): kind of event
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `callback_id`: id of the registration
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
/// It may be called from any thread, and from the callback itself. It does not wait for a
/// callback that is running on another thread; the user data are released after it.
///
/// - `callback_id`: id returned by the registration; it is never used again on this connection
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

/// Registers a callback for the life cycle events of all domains.
///
/// Legacy form of `vkvm_conn_domain_event_register_any`. A connection handle has one such
/// callback.
///
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
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

/// Deregisters the callback of `vkvm_conn_domain_event_register`.
///
/// libvirt: virConnectDomainEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_event_deregister(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::domain_event_deregister(&*c.get(conn, "conn")?))
}

/// Registers a callback for the end of the connection.
///
/// A connection handle has one such callback, besides any number of queues. The arguments are a
/// map with the key `reason`, one of `VKVM_CLOSE_REASON_*`. The callback is called once, after
/// the events that came before the end; then the registration is over. It may call any
/// function, and free the connection. Registering on a connection that has ended fails, unless
/// it is being reopened (`vkvm_conn_enable_resume`): the callback then applies to the next
/// connection.
///
/// - `callback`: called on the thread that runs the event loop; without a loop, on the thread
///   whose call found that the connection has ended, when that call is over
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
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

/// Unregisters the close callback of the connection.
///
/// If there is none, it unregisters the queues registered for the end of the connection.
///
/// libvirt: virConnectUnregisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_unregister_close_callback(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::unregister_close_callback(&*c.get(conn, "conn")?))
}

/// Reopens the connection automatically whenever it ends.
///
/// A connection ends when its daemon is restarted or stops responding. If it has ended already,
/// attempts to reconnect begin immediately. An event loop must be registered. Attempts run on a
/// thread of the library, and each takes at most 30 seconds, or the `timeout_ms` of
/// `vkvm_conn_open_with`. The connection must have been opened without a callback for
/// credentials, as those are not kept; see `keep_credentials` of `vkvm_conn_open_with`.
///
/// On the new connection:
///
/// - the handle of the connection stays valid, and so do those of domains, snapshots,
///   checkpoints, networks, ports, pools, volumes, secrets and interfaces: each object is
///   looked up again by its UUID, name or key
/// - handles of network filters, filter bindings, node devices and streams become invalid, and
///   an identity is not set again
/// - callbacks and queues are registered again under the same ids, except for close callbacks,
///   which are over; keepalive is set again
/// - events during the outage are lost; refresh cached state when `VKVM_RESUME_RECONNECTED`
///   arrives, which precedes the events of the new connection
///
/// Callbacks and queues can be registered during the outage. Such a registration is made on the
/// next connection; it receives no events if its object does not exist there. If resuming is
/// disabled before, it receives no events either, and ends when it is deregistered or the
/// connection is freed.
///
/// The arguments of an event are a map with the keys `event` (one of `VKVM_RESUME_*`), `reason`
/// (why the connection had ended, one of `VKVM_CLOSE_REASON_*`), `attempts` (number of attempts
/// so far) and, with `VKVM_RESUME_RECONNECTED`, `domains` (a list of the handles of all
/// domains).
///
/// - `max_delay` (unit ms): maximum time between two attempts, at least 100; the first delay is
///   100, and it doubles each time
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
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

/// Disables the automatic reopening of `vkvm_conn_enable_resume`.
///
/// libvirt: virConnectUnregisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_disable_resume(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::disable_resume(&*c.get(conn, "conn")?))
}
