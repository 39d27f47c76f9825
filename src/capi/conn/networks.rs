// SPDX-License-Identifier: LGPL-2.1-or-later
//! The networks of a connection.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_network};

/// Lists the virtual networks, active and inactive.
///
/// - `flags` (default 0, enum network_list_flags): filter; 0 means all
/// - `networks`: the networks
/// - `networks_len`: number of elements
///
/// libvirt: virConnectListAllNetworks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_networks(
    conn: *mut vkvm_conn,
    flags: u32,
    networks: *mut *mut *mut vkvm_network,
    networks_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(networks, networks_len, "networks", "networks_len")?;
        out.set(c.get(conn, "conn")?.list_all_networks(flags)?)
    })
}

/// Returns the number of active virtual networks.
///
/// - `count`: number of networks
///
/// libvirt: virConnectNumOfNetworks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_networks(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_networks()?);
        Ok(())
    })
}

/// Returns the number of inactive persistent networks.
///
/// - `count`: number of networks
///
/// libvirt: virConnectNumOfDefinedNetworks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_defined_networks(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_defined_networks()?);
        Ok(())
    })
}

/// Lists the names of the active virtual networks.
///
/// `vkvm_conn_list_all_networks` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListNetworks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_network_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_network_names(maxnames)?)
    })
}

/// Lists the names of the inactive persistent networks.
///
/// `vkvm_conn_list_all_networks` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListDefinedNetworks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_defined_network_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_defined_network_names(maxnames)?)
    })
}

/// Looks up a virtual network by its name.
///
/// - `name`: the name
/// - `network`: the network
///
/// libvirt: virNetworkLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_network_by_name(
    conn: *mut vkvm_conn,
    name: *const c_char,
    network: *mut *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(network, "network")?;
        out.set(c.get(conn, "conn")?.get_network_by_name(c.text(name, "name")?)?)
    })
}

/// Looks up a virtual network by its UUID.
///
/// - `uuid`: 16 raw bytes, or 32 hexadecimal digits as text, with or without hyphens
/// - `uuid_len`: number of bytes: 16, 32 or 36
/// - `network`: the network
///
/// libvirt: virNetworkLookupByUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_network_by_uuid(
    conn: *mut vkvm_conn,
    uuid: *const c_void,
    uuid_len: usize,
    network: *mut *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(network, "network")?;
        out.set(c.get(conn, "conn")?.get_network_by_uuid(c.bytes(uuid, uuid_len, "uuid")?)?)
    })
}

/// Defines a persistent network without starting it, or changes its definition.
///
/// `vkvm_network_create` starts it.
///
/// - `xml`: a `<network>` document
/// - `flags` (default 0, enum network_define_flags, since 7.7.0)
/// - `network`: the network
///
/// libvirt: virNetworkDefineXML, virNetworkDefineXMLFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_network(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    network: *mut *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(network, "network")?;
        out.set(c.get(conn, "conn")?.define_network(c.text(xml, "xml")?, flags)?)
    })
}

/// Creates and starts a transient network.
///
/// It no longer exists when it has stopped.
///
/// - `xml`: a `<network>` document
/// - `flags` (default 0, enum network_create_flags, since 7.8.0)
/// - `network`: the network
///
/// libvirt: virNetworkCreateXML, virNetworkCreateXMLFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_network(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    network: *mut *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(network, "network")?;
        out.set(c.get(conn, "conn")?.create_network(c.text(xml, "xml")?, flags)?)
    })
}
