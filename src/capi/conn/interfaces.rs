//! The host's network interfaces.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_interface};

/// Lists the host's network interfaces, up or down.
///
/// - `flags` (default 0, enum interface_list_flags): a filter; 0 for all interfaces
/// - `ifaces`: the interfaces
/// - `ifaces_len`: how many there are
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

/// Counts the interfaces that are up.
///
/// - `count`: how many there are
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

/// Counts the interfaces that are defined and down.
///
/// - `count`: how many there are
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

/// Lists the names of interfaces that are up.
///
/// - `maxnames`: how many to list at most, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: how many there are
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

/// Lists the names of interfaces that are defined and down.
///
/// - `maxnames`: how many to list at most, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: how many there are
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

/// Finds an interface by its name.
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

/// Finds an interface by its hardware address. Several with the same are an
/// error.
///
/// - `mac`: hex digits with colons
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

/// Defines an interface without bringing it up, or changes its definition.
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

/// Defines an interface, as `vkvm_conn_define_interface` does without flags.
///
/// The name is misleading, and kept because Sys::Virt has it: the interface is
/// not brought up.
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

/// Remembers how the interfaces are defined now.
///
/// The changes that follow are kept with `vkvm_conn_interface_change_commit`,
/// or undone with `vkvm_conn_interface_change_rollback` or, without either,
/// when the host restarts.
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

/// Keeps the changes since `vkvm_conn_interface_change_begin`.
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

/// Undoes the changes since `vkvm_conn_interface_change_begin`.
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
