// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_interface_*`: the host's network interfaces.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_interface};
use crate::core::Text;

/// Adds a reference to the interface handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_interface_free`; NULL when it
///   is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_ref(iface: *mut vkvm_interface) -> *mut vkvm_interface {
    direct(std::ptr::null_mut(), |c| c.retain(iface))
}

/// Releases a reference to the interface handle.
///
/// The interface itself is not affected. NULL and handles that are not live are ignored.
///
/// - `iface` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_free(iface: *mut vkvm_interface) {
    void(|c| c.free(iface))
}

/// Frees a returned list of interfaces and releases its handles.
///
/// - `ifaces` (consumed, nullable): the list
/// - `ifaces_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_list_free(
    ifaces: *mut *mut vkvm_interface,
    ifaces_len: usize,
) {
    void(|c| c.free_list(ifaces, ifaces_len))
}

/// Returns the name of the interface.
///
/// - `name`: the name, such as "eth0"
///
/// libvirt: virInterfaceGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_get_name(
    iface: *mut vkvm_interface,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(iface, "iface")?.get_name()?));
        Ok(())
    })
}

/// Returns the MAC address of the interface.
///
/// - `mac`: hexadecimal digits with colons; empty when there is none
///
/// libvirt: virInterfaceGetMACString
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_get_mac(
    iface: *mut vkvm_interface,
    mac: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(mac, "mac")?;
        out.set(Text::copy(c.get(iface, "iface")?.get_mac()?));
        Ok(())
    })
}

/// Returns the live state or the definition of the interface as XML.
///
/// - `flags` (default 0, enum interface_xml_flags): 0 means the live state, with current
///   addresses
/// - `xml`: an `<interface>` document
///
/// libvirt: virInterfaceGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_get_xml_description(
    iface: *mut vkvm_interface,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(iface, "iface")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Reports whether the interface is active (up).
///
/// - `active`: true if it is
///
/// libvirt: virInterfaceIsActive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_is_active(
    iface: *mut vkvm_interface,
    active: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(active, "active")?;
        out.set(c.get(iface, "iface")?.is_active()?);
        Ok(())
    })
}

/// Starts the interface (brings it up).
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virInterfaceCreate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_create(
    iface: *mut vkvm_interface,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(iface, "iface")?.create(flags))
}

/// Stops the interface (brings it down).
///
/// Its definition remains. The handle stays valid.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virInterfaceDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_destroy(
    iface: *mut vkvm_interface,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(iface, "iface")?.destroy(flags))
}

/// Removes the definition of the interface.
///
/// It is permanent, unless `vkvm_conn_interface_change_begin` has begun a transaction.
///
/// libvirt: virInterfaceUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_undefine(
    iface: *mut vkvm_interface,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(iface, "iface")?.undefine())
}

/// Returns the connection that the interface belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virInterfaceGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_get_conn(
    iface: *mut vkvm_interface,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(iface, "iface")?.get_conn()?)
    })
}
