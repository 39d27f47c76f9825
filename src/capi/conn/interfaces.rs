// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's network interfaces.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_interface};

/// Lists the network interfaces of the host, active and inactive.
///
/// - `flags` (default 0, enum interface_list_flags): filter; 0 means all
/// - `ifaces`: the interfaces
/// - `ifaces_len`: number of elements
///
/// libvirt: virConnectListAllInterfaces
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_interfaces(
    conn: *mut vkvm_conn,
    flags: u32,
    ifaces: *mut *mut *mut vkvm_interface,
    ifaces_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(ifaces, ifaces_len, "ifaces", "ifaces_len")?;
        out.set(c.get(conn, "conn")?.list_all_interfaces(flags)?)
    })
}

/// Returns the number of active network interfaces of the host.
///
/// - `count`: number of interfaces
///
/// libvirt: virConnectNumOfInterfaces
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_interfaces(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_interfaces()?);
        Ok(())
    })
}

/// Returns the number of inactive network interfaces of the host.
///
/// - `count`: number of interfaces
///
/// libvirt: virConnectNumOfDefinedInterfaces
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_defined_interfaces(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_defined_interfaces()?);
        Ok(())
    })
}

/// Lists the names of the host's active network interfaces.
///
/// `vkvm_conn_list_all_interfaces` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListInterfaces
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_interface_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_interface_names(maxnames)?)
    })
}

/// Lists the names of the host's inactive network interfaces.
///
/// `vkvm_conn_list_all_interfaces` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListDefinedInterfaces
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_defined_interface_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_defined_interface_names(maxnames)?)
    })
}

/// Looks up a network interface of the host by its name.
///
/// - `name`: the name
/// - `iface`: the interface
///
/// libvirt: virInterfaceLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_interface_by_name(
    conn: *mut vkvm_conn,
    name: *const c_char,
    iface: *mut *mut vkvm_interface,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(iface, "iface")?;
        out.set(c.get(conn, "conn")?.get_interface_by_name(c.text(name, "name")?)?)
    })
}

/// Looks up a network interface of the host by its MAC address.
///
/// Several interfaces with that address are an error.
///
/// - `mac`: hexadecimal digits with colons
/// - `iface`: the interface
///
/// libvirt: virInterfaceLookupByMACString
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_interface_by_mac(
    conn: *mut vkvm_conn,
    mac: *const c_char,
    iface: *mut *mut vkvm_interface,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(iface, "iface")?;
        out.set(c.get(conn, "conn")?.get_interface_by_mac(c.text(mac, "mac")?)?)
    })
}

/// Defines a network interface of the host, or changes its definition.
///
/// `vkvm_interface_create` brings it up.
///
/// - `xml`: an `<interface>` document
/// - `flags` (default 0, enum interface_define_flags)
/// - `iface`: the interface
///
/// libvirt: virInterfaceDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_interface(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    iface: *mut *mut vkvm_interface,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(iface, "iface")?;
        out.set(c.get(conn, "conn")?.define_interface(c.text(xml, "xml")?, flags)?)
    })
}

/// Legacy form of `vkvm_conn_define_interface` without flags.
///
/// Despite its name, which Sys::Virt chose, it does not bring the interface up.
///
/// - `xml`: an `<interface>` document
/// - `iface`: the interface
///
/// libvirt: virInterfaceDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_interface(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    iface: *mut *mut vkvm_interface,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(iface, "iface")?;
        out.set(c.get(conn, "conn")?.create_interface(c.text(xml, "xml")?)?)
    })
}

/// Begins a transaction of changes to the host's network interfaces.
///
/// Later changes are kept by `vkvm_conn_interface_change_commit`, and undone by
/// `vkvm_conn_interface_change_rollback` or, without either, when the host restarts.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virInterfaceChangeBegin
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_interface_change_begin(
    conn: *mut vkvm_conn,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(conn, "conn")?.interface_change_begin(flags))
}

/// Commits the changes since `vkvm_conn_interface_change_begin`.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virInterfaceChangeCommit
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_interface_change_commit(
    conn: *mut vkvm_conn,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(conn, "conn")?.interface_change_commit(flags))
}

/// Rolls back the changes since `vkvm_conn_interface_change_begin`.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virInterfaceChangeRollback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_interface_change_rollback(
    conn: *mut vkvm_conn,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(conn, "conn")?.interface_change_rollback(flags))
}
