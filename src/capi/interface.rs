//! `vkvm_interface_*`: the host's network interfaces.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_interface};
use crate::core::Text;

/// Adds a hold on the interface handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_interface_free`, or NULL
///   when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_ref(iface: *mut vkvm_interface) -> *mut vkvm_interface {
    direct(std::ptr::null_mut(), |c| c.retain(iface))
}

/// Gives up a hold on the interface handle. NULL and handles that are not live
/// are left alone.
///
/// - `iface` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_free(iface: *mut vkvm_interface) {
    void(|c| c.free(iface))
}

/// Frees a list of interfaces that a function returned, with its handles.
///
/// - `ifaces` (consumed, nullable): the list
/// - `ifaces_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_list_free(
    ifaces: *mut *mut vkvm_interface,
    ifaces_len: usize,
) {
    void(|c| c.free_list(ifaces, ifaces_len))
}

/// Gets the name of the interface.
///
/// - `name`: the name, like "eth0"
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

/// Gets the hardware address of the interface.
///
/// - `mac`: hex digits with colons; empty when there is none
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

/// Gets the state or the definition of the interface.
///
/// - `flags` (default 0, enum interface_xml_flags)
/// - `xml`: a `<interface>` document
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

/// Tells whether the interface is up.
///
/// - `active`: whether it is
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

/// Brings the interface up.
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

/// Takes the interface down.
///
/// The handle stays valid.
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

/// Forgets the definition of the interface.
///
/// libvirt: virInterfaceUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_interface_undefine(
    iface: *mut vkvm_interface,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(iface, "iface")?.undefine())
}

/// Gets the connection that the interface belongs to.
///
/// It is a new handle of the same connection: registrations made through it end with
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
