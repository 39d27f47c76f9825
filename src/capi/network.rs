// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_network_*`: virtual networks.

use std::ffi::{c_char, c_int, c_void};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_network, vkvm_network_port, vkvm_value};
use crate::core::Text;
use crate::value::Value;

/// Adds a reference to the network handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_network_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_ref(net: *mut vkvm_network) -> *mut vkvm_network {
    direct(std::ptr::null_mut(), |c| c.retain(net))
}

/// Releases a reference to the network handle.
///
/// The network itself is not affected. NULL and handles that are not live are ignored.
///
/// - `net` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_free(net: *mut vkvm_network) {
    void(|c| c.free(net))
}

/// Frees a returned list of networks and releases its handles.
///
/// - `networks` (consumed, nullable): the list
/// - `networks_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_list_free(
    networks: *mut *mut vkvm_network,
    networks_len: usize,
) {
    void(|c| c.free_list(networks, networks_len))
}

/// Returns the name of the network.
///
/// The name is unique on its host.
///
/// - `name`: the name
///
/// libvirt: virNetworkGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_name(
    net: *mut vkvm_network,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(net, "net")?.get_name()?));
        Ok(())
    })
}

/// Returns the UUID of the network as bytes.
///
/// - `uuid`: the 16 raw bytes
/// - `uuid_len`: 16
///
/// libvirt: virNetworkGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_uuid(
    net: *mut vkvm_network,
    uuid: *mut *mut u8,
    uuid_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(uuid, uuid_len, "uuid", "uuid_len")?;
        out.set(c.get(net, "net")?.get_uuid()?.as_bytes())
    })
}

/// Returns the UUID of the network as text.
///
/// - `uuid`: the UUID in lower-case hexadecimal digits with hyphens, 36 characters
///
/// libvirt: virNetworkGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_uuid_string(
    net: *mut vkvm_network,
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uuid, "uuid")?;
        out.set(c.get(net, "net")?.get_uuid_string()?);
        Ok(())
    })
}

/// Returns the definition of the network as XML.
///
/// - `flags` (default 0, enum network_xml_flags)
/// - `xml`: a `<network>` document
///
/// libvirt: virNetworkGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_xml_description(
    net: *mut vkvm_network,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(net, "net")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Returns the name of the network's bridge on the host.
///
/// - `name`: the name, such as "virbr0"; a network without a bridge is an error
///
/// libvirt: virNetworkGetBridgeName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_bridge_name(
    net: *mut vkvm_network,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(c.get(net, "net")?.get_bridge_name()?);
        Ok(())
    })
}

/// Reports whether the network is active.
///
/// - `active`: true if it is
///
/// libvirt: virNetworkIsActive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_is_active(
    net: *mut vkvm_network,
    active: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(active, "active")?;
        out.set(c.get(net, "net")?.is_active()?);
        Ok(())
    })
}

/// Reports whether the network has a persistent definition.
///
/// A persistent network still exists when it has stopped; a transient one does not.
///
/// - `persistent`: true if it has
///
/// libvirt: virNetworkIsPersistent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_is_persistent(
    net: *mut vkvm_network,
    persistent: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(persistent, "persistent")?;
        out.set(c.get(net, "net")?.is_persistent()?);
        Ok(())
    })
}

/// Starts the inactive network.
///
/// libvirt: virNetworkCreate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_create(
    net: *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.create())
}

/// Stops the network.
///
/// Domains that use it are cut off. The handle stays valid. A transient network no longer
/// exists afterwards.
///
/// libvirt: virNetworkDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_destroy(
    net: *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.destroy())
}

/// Removes the persistent definition of the network.
///
/// An active network becomes transient and stays active.
///
/// libvirt: virNetworkUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_undefine(
    net: *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.undefine())
}

/// Updates one section of the network's definition.
///
/// - `command` (enum network_update_command): kind of change
/// - `section` (enum network_update_section): section to change
/// - `parent_index`: number, from 0, of the parent element when there are several, such as
///   `<ip>`; -1 means that libvirt finds it
/// - `xml`: the element to add, the changed element, or one that identifies the element to
///   delete
/// - `flags` (default 0, enum network_update_flags): definition to change: live, persistent or
///   both; 0 means the current state
///
/// libvirt: virNetworkUpdate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_update(
    net: *mut vkvm_network,
    command: u32,
    section: u32,
    parent_index: c_int,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(net, "net")?.update(command, section, parent_index, c.text(xml, "xml")?, flags)
    })
}

/// Reports whether the network starts when the host boots.
///
/// - `autostart`: true if it does
///
/// libvirt: virNetworkGetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_autostart(
    net: *mut vkvm_network,
    autostart: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(autostart, "autostart")?;
        out.set(c.get(net, "net")?.get_autostart()?);
        Ok(())
    })
}

/// Sets whether the network starts when the host boots.
///
/// - `autostart`: 0 for no, any other value for yes
///
/// libvirt: virNetworkSetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_set_autostart(
    net: *mut vkvm_network,
    autostart: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.set_autostart(autostart != 0))
}

/// Returns the title, the description or custom metadata of the network.
///
/// A network without it is an error, `VKVM_ERROR_ERR_NO_NETWORK_METADATA`.
///
/// - `type` (enum network_metadata_type)
/// - `uri` (nullable): XML namespace of the custom element; NULL for title and description
/// - `flags` (default 0, enum network_update_flags): configuration to query: live or
///   persistent; 0 means the current state
/// - `metadata`: the text, or the element as XML
///
/// libvirt: virNetworkGetMetadata
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_metadata(
    net: *mut vkvm_network,
    r#type: c_int,
    uri: *const c_char,
    flags: u32,
    metadata: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(metadata, "metadata")?;
        let uri = c.text_nullable(uri, "uri")?;
        out.set(c.get(net, "net")?.get_metadata(r#type, uri, flags)?);
        Ok(())
    })
}

/// Sets or removes the title, the description or custom metadata of the network.
///
/// A title is one line, without newlines. An empty text leaves an empty element; NULL removes
/// it.
///
/// - `type` (enum network_metadata_type)
/// - `metadata` (nullable): the text, or a well-formed XML element; NULL removes what is there
/// - `key` (nullable): XML namespace prefix of the custom element; NULL for title and
///   description
/// - `uri` (nullable): XML namespace of the custom element; NULL for title and description
/// - `flags` (default 0, enum network_update_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virNetworkSetMetadata
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_set_metadata(
    net: *mut vkvm_network,
    r#type: c_int,
    metadata: *const c_char,
    key: *const c_char,
    uri: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let metadata = c.text_nullable(metadata, "metadata")?;
        let (key, uri) = (c.text_nullable(key, "key")?, c.text_nullable(uri, "uri")?);
        c.get(net, "net")?.set_metadata(r#type, metadata, key, uri, flags)
    })
}

/// Returns the DHCP leases of the network.
///
/// - `mac` (nullable): MAC address of the interface; NULL means all
/// - `flags` (default 0): unused, pass 0
/// - `leases` (list): a list of maps with the keys `iface` (the bridge), `expirytime` (seconds
///   since 1970; 0 means never), `type` (one of `VKVM_IP_ADDR_TYPE_*`), `mac`, `iaid` (DHCPv6
///   only), `ipaddr`, `prefix` (prefix length in bits), `hostname`, `clientid` (client id or
///   DUID); unknown texts are null
///
/// libvirt: virNetworkGetDHCPLeases
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_dhcp_leases(
    net: *mut vkvm_network,
    mac: *const c_char,
    flags: u32,
    leases: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(leases, "leases")?;
        let leases = c.get(net, "net")?.get_dhcp_leases(c.text_nullable(mac, "mac")?, flags)?;
        out.set_value(leases.into_iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// Lists the ports of the network.
///
/// - `flags` (default 0): unused, pass 0
/// - `ports`: the ports
/// - `ports_len`: number of elements
///
/// libvirt: virNetworkListAllPorts
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_list_all_ports(
    net: *mut vkvm_network,
    flags: u32,
    ports: *mut *mut *mut vkvm_network_port,
    ports_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(ports, ports_len, "ports", "ports_len")?;
        out.set(c.get(net, "net")?.list_all_ports(flags)?)
    })
}

/// Looks up a port of the network by its UUID.
///
/// - `uuid`: 16 raw bytes, or 32 hexadecimal digits as text, with or without hyphens
/// - `uuid_len`: number of bytes: 16, 32 or 36
/// - `port`: the port
///
/// libvirt: virNetworkPortLookupByUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_port_by_uuid(
    net: *mut vkvm_network,
    uuid: *const c_void,
    uuid_len: usize,
    port: *mut *mut vkvm_network_port,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(port, "port")?;
        out.set(c.get(net, "net")?.get_port_by_uuid(c.bytes(uuid, uuid_len, "uuid")?)?)
    })
}

/// Creates a port of the network.
///
/// - `xml`: a `<networkport>` document
/// - `flags` (default 0, enum network_port_create_flags)
/// - `port`: the port
///
/// libvirt: virNetworkPortCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_create_port(
    net: *mut vkvm_network,
    xml: *const c_char,
    flags: u32,
    port: *mut *mut vkvm_network_port,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(port, "port")?;
        out.set(c.get(net, "net")?.create_port(c.text(xml, "xml")?, flags)?)
    })
}

/// Returns the connection that the network belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virNetworkGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_get_conn(
    net: *mut vkvm_network,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(net, "net")?.get_conn()?)
    })
}
