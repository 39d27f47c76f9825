// SPDX-License-Identifier: LGPL-2.1-or-later
//! Listening to what happens to networks, storage pools, devices and secrets.

use std::ffi::{c_int, c_void};

use crate::capi::event::listener;
use crate::capi::guard::status;
use crate::capi::types::{
    vkvm_conn, vkvm_destroy_callback, vkvm_error, vkvm_event_callback, vkvm_network,
    vkvm_node_device, vkvm_secret, vkvm_storage_pool,
};
use crate::event::{self, Source};

/// Registers a callback for network events of one kind, of one network or of all.
///
/// The registration keeps the connection open; it ends with
/// `vkvm_conn_network_event_deregister_any`, or with the connection handle.
///
/// The arguments are a map with the keys `event` and `detail` for LIFECYCLE, `type` and `nsuri`
/// for METADATA_CHANGE.
///
/// - `net` (nullable): the network whose events to deliver; NULL means all
/// - `event_id` (enum network_event_id): kind of event
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectNetworkEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_network_event_register_any(
    conn: *mut vkvm_conn,
    net: *mut vkvm_network,
    event_id: c_int,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        let (out, net) = (c.out(callback_id, "callback_id")?, c.get_nullable(net, "net")?);
        let conn = c.get(conn, "conn")?;
        out.set(event::register_any(&conn, net.as_deref(), event_id, listener)?);
        Ok(())
    })
}

/// Deregisters a callback or queue registered for network events.
///
/// - `callback_id`: id returned by the registration
///
/// libvirt: virConnectNetworkEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_network_event_deregister_any(
    conn: *mut vkvm_conn,
    callback_id: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::deregister_any(&*c.get(conn, "conn")?, Source::Network, callback_id))
}

/// Registers a callback for storage pool events of one kind, of one pool or all.
///
/// The registration keeps the connection open; it ends with
/// `vkvm_conn_storage_pool_event_deregister_any`, or with the connection handle.
///
/// The arguments are a map with the keys `event` and `detail` for LIFECYCLE, none for REFRESH.
///
/// - `pool` (nullable): the storage pool whose events to deliver; NULL means all
/// - `event_id` (enum storage_pool_event_id): kind of event
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectStoragePoolEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_storage_pool_event_register_any(
    conn: *mut vkvm_conn,
    pool: *mut vkvm_storage_pool,
    event_id: c_int,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        let (out, pool) = (c.out(callback_id, "callback_id")?, c.get_nullable(pool, "pool")?);
        let conn = c.get(conn, "conn")?;
        out.set(event::register_any(&conn, pool.as_deref(), event_id, listener)?);
        Ok(())
    })
}

/// Deregisters a callback or queue registered for storage pool events.
///
/// - `callback_id`: id returned by the registration
///
/// libvirt: virConnectStoragePoolEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_storage_pool_event_deregister_any(
    conn: *mut vkvm_conn,
    callback_id: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        event::deregister_any(&*c.get(conn, "conn")?, Source::StoragePool, callback_id)
    })
}

/// Registers a callback for node device events of one kind, of one device or all.
///
/// The registration keeps the connection open; it ends with
/// `vkvm_conn_node_device_event_deregister_any`, or with the connection handle.
///
/// The arguments are a map with the keys `event` and `detail` for LIFECYCLE, none for UPDATE.
///
/// - `dev` (nullable): the device whose events to deliver; NULL means all
/// - `event_id` (enum node_device_event_id): kind of event
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectNodeDeviceEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_node_device_event_register_any(
    conn: *mut vkvm_conn,
    dev: *mut vkvm_node_device,
    event_id: c_int,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        let (out, dev) = (c.out(callback_id, "callback_id")?, c.get_nullable(dev, "dev")?);
        let conn = c.get(conn, "conn")?;
        out.set(event::register_any(&conn, dev.as_deref(), event_id, listener)?);
        Ok(())
    })
}

/// Deregisters a callback or queue registered for node device events.
///
/// - `callback_id`: id returned by the registration
///
/// libvirt: virConnectNodeDeviceEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_node_device_event_deregister_any(
    conn: *mut vkvm_conn,
    callback_id: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        event::deregister_any(&*c.get(conn, "conn")?, Source::NodeDevice, callback_id)
    })
}

/// Registers a callback for secret events of one kind, of one secret or of all.
///
/// The registration keeps the connection open; it ends with
/// `vkvm_conn_secret_event_deregister_any`, or with the connection handle.
///
/// The arguments are a map with the keys `event` and `detail` for LIFECYCLE, none for
/// VALUE_CHANGED.
///
/// - `secret` (nullable): the secret whose events to deliver; NULL means all
/// - `event_id` (enum secret_event_id): kind of event
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectSecretEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_secret_event_register_any(
    conn: *mut vkvm_conn,
    secret: *mut vkvm_secret,
    event_id: c_int,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        let (out, secret) = (c.out(callback_id, "callback_id")?, c.get_nullable(secret, "secret")?);
        let conn = c.get(conn, "conn")?;
        out.set(event::register_any(&conn, secret.as_deref(), event_id, listener)?);
        Ok(())
    })
}

/// Deregisters a callback or queue registered for secret events.
///
/// - `callback_id`: id returned by the registration
///
/// libvirt: virConnectSecretEventDeregisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_secret_event_deregister_any(
    conn: *mut vkvm_conn,
    callback_id: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::deregister_any(&*c.get(conn, "conn")?, Source::Secret, callback_id))
}
