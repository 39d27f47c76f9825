//! `vkvm_network_*`: virtual networks.

use std::ffi::{c_char, c_int, c_void};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_network, vkvm_network_port, vkvm_value};
use crate::core::Text;
use crate::value::Value;

/// Adds a hold on the network handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_network_free`, or NULL
///   when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_ref(net: *mut vkvm_network) -> *mut vkvm_network {
    direct(std::ptr::null_mut(), |c| c.retain(net))
}

/// Gives up a hold on the network handle. NULL and handles that are not live
/// are left alone.
///
/// - `net` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_free(net: *mut vkvm_network) {
    void(|c| c.free(net))
}

/// Frees a list of networks that a function returned, with its handles.
///
/// - `networks` (consumed, nullable): the list
/// - `networks_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_list_free(
    networks: *mut *mut vkvm_network,
    networks_len: usize,
) {
    void(|c| c.free_list(networks, networks_len))
}

/// Gets the name of the network.
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

/// Gets the uuid of the network as bytes.
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

/// Gets the uuid of the network as text.
///
/// - `uuid`: lower-case hex digits with hyphens, 36 characters
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

/// Gets the definition of the network.
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

/// Gets the name of the bridge on the host that the network uses.
///
/// - `name`: the name, like "virbr0"; a network without a bridge is an error
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

/// Tells whether the network runs.
///
/// - `active`: whether it does
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

/// Tells whether the network stays defined when it stops.
///
/// - `persistent`: whether it does
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

/// Starts the network.
///
/// libvirt: virNetworkCreate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_create(
    net: *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.create())
}

/// Stops the network. Domains that use it lose it.
///
/// The handle stays valid.
///
/// libvirt: virNetworkDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_destroy(
    net: *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.destroy())
}

/// Forgets the definition of the network. One that runs becomes transient.
///
/// libvirt: virNetworkUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_network_undefine(
    net: *mut vkvm_network,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(net, "net")?.undefine())
}

/// Changes one part of the definition of the network.
///
/// - `command` (enum network_update_command): what to do
/// - `section` (enum network_update_section): which part
/// - `parent_index`: where the part is in one of several elements, like `<ip>`,
///   the number of that element, from 0; -1 lets libvirt find it
/// - `xml`: the element to add, the changed one, or one that says which to
///   delete
/// - `flags` (default 0, enum network_update_flags)
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

/// Tells whether the network starts with the host.
///
/// - `autostart`: whether it does
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

/// Sets whether the network starts with the host.
///
/// - `autostart`: 0 for no, anything else for yes
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

/// Gets the description or the title of the network, or an element that a
/// program keeps in its definition.
///
/// - `type` (enum network_metadata_type)
/// - `uri` (nullable): the namespace of the element; NULL for description and
///   title
/// - `flags` (default 0, enum network_update_flags)
/// - `metadata`: the text, or the element as XML; none is an error
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

/// Sets or removes the description or the title of the network, or an element
/// that a program keeps in its definition.
///
/// - `type` (enum network_metadata_type)
/// - `metadata` (nullable): the text, or the element as XML; NULL to remove it
/// - `key` (nullable): the prefix of the namespace; NULL for description and
///   title
/// - `uri` (nullable): the namespace of the element; NULL for description and
///   title
/// - `flags` (default 0, enum network_update_flags)
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

/// Gets the addresses that the DHCP server of the network gave out.
///
/// - `mac` (nullable): the hardware address to which; NULL for all
/// - `flags` (default 0): unused, pass 0
/// - `leases` (list): a list of maps with the keys `iface` (the bridge), `expirytime` (seconds
///   since 1970; 0 for no end), `type` (one of `VKVM_IP_ADDR_TYPE_*`), `mac`, `iaid`, `ipaddr`,
///   `prefix` (its number of bits), `hostname`, `clientid`; texts that are not known are null
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
/// - `ports_len`: how many there are
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

/// Finds a port of the network by its uuid.
///
/// - `uuid`: 16 raw bytes, or text of 32 hex digits with or without hyphens
/// - `uuid_len`: how many bytes that is: 16, 32 or 36
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

/// Makes a port of the network.
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

/// Gets the connection that the network belongs to.
///
/// It is a new handle of the same connection: registrations made through it end with
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
