// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_network_port_*`: the ports of networks.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_network, vkvm_network_port, vkvm_value};

/// Adds a reference to the network port handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_network_port_free`; NULL when
///   it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_ref(
    port: *mut vkvm_network_port,
) -> *mut vkvm_network_port {
    direct(std::ptr::null_mut(), |c| c.retain(port))
}

/// Releases a reference to the network port handle.
///
/// The port itself is not affected. NULL and handles that are not live are ignored.
///
/// - `port` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_free(port: *mut vkvm_network_port) {
    void(|c| c.free(port))
}

/// Frees a returned list of network ports and releases its handles.
///
/// - `ports` (consumed, nullable): the list
/// - `ports_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_list_free(
    ports: *mut *mut vkvm_network_port,
    ports_len: usize,
) {
    void(|c| c.free_list(ports, ports_len))
}

/// Returns the UUID of the network port as bytes.
///
/// - `uuid`: the 16 raw bytes
/// - `uuid_len`: 16
///
/// libvirt: virNetworkPortGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_get_uuid(
    port: *mut vkvm_network_port,
    uuid: *mut *mut u8,
    uuid_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(uuid, uuid_len, "uuid", "uuid_len")?;
        out.set(c.get(port, "port")?.get_uuid()?.as_bytes())
    })
}

/// Returns the UUID of the network port as text.
///
/// - `uuid`: the UUID in lower-case hexadecimal digits with hyphens, 36 characters
///
/// libvirt: virNetworkPortGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_get_uuid_string(
    port: *mut vkvm_network_port,
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uuid, "uuid")?;
        out.set(c.get(port, "port")?.get_uuid_string()?);
        Ok(())
    })
}

/// Returns the definition of the network port as XML.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<networkport>` document
///
/// libvirt: virNetworkPortGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_get_xml_description(
    port: *mut vkvm_network_port,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(port, "port")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Returns the bandwidth limits of the network port.
///
/// - `flags` (default 0): unused, pass 0
/// - `params` (map): a map with the limits that are set; the keys are the texts of
///   `VKVM_NETWORK_PORT_BANDWIDTH_*`, in KiB per second, bursts in KiB
///
/// libvirt: virNetworkPortGetParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_get_parameters(
    port: *mut vkvm_network_port,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(port, "port")?.get_parameters(flags)?)
    })
}

/// Sets the bandwidth limits of the network port.
///
/// libvirt's network driver removes all limits that `newparams` does not contain.
///
/// - `newparams` (nullable, map): a map with the limits to set, with keys as in
///   `vkvm_network_port_get_parameters`; a key that libvirt does not support is an error. NULL
///   removes all limits
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNetworkPortGetParameters, virNetworkPortSetParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_set_parameters(
    port: *mut vkvm_network_port,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let params = c.map_nullable(newparams, "newparams")?.unwrap_or_default();
        c.get(port, "port")?.set_parameters(&params, flags)
    })
}

/// Deletes the network port.
///
/// The caller makes sure that no domain uses it.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNetworkPortDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_delete(
    port: *mut vkvm_network_port,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(port, "port")?.delete(flags))
}

/// Returns the network of the port.
///
/// - `network`: the network
///
/// libvirt: virNetworkPortGetNetwork
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_get_network(
    port: *mut vkvm_network_port,
    network: *mut *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(network, "network")?;
        out.set(c.get(port, "port")?.get_network()?)
    })
}

/// Returns the connection that the port's network belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virNetworkPortGetNetwork, virNetworkGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_port_get_conn(
    port: *mut vkvm_network_port,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(port, "port")?.get_conn()?)
    })
}
