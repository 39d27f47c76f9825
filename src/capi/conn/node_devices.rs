// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's devices.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_node_device};

/// Lists the devices of the host.
///
/// - `flags` (default 0, enum node_device_list_flags): filter by capability and state; 0 means
///   all
/// - `devices`: the devices
/// - `devices_len`: number of elements
///
/// libvirt: virConnectListAllNodeDevices
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_node_devices(
    conn: *mut vkvm_conn,
    flags: u32,
    devices: *mut *mut *mut vkvm_node_device,
    devices_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(devices, devices_len, "devices", "devices_len")?;
        out.set(c.get(conn, "conn")?.list_all_node_devices(flags)?)
    })
}

/// Returns the number of devices of the host.
///
/// - `cap` (nullable): capability that the devices must have, such as "pci"; NULL means any
/// - `flags` (default 0): unused, pass 0
/// - `count`: number of devices
///
/// libvirt: virNodeNumOfDevices
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_node_devices(
    conn: *mut vkvm_conn,
    cap: *const c_char,
    flags: u32,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_node_devices(c.text_nullable(cap, "cap")?, flags)?);
        Ok(())
    })
}

/// Lists the names of the host's devices.
///
/// `vkvm_conn_list_all_node_devices` returns handles in one call, without a limit.
///
/// - `cap` (nullable): capability that the devices must have, such as "pci"; NULL means any
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `flags` (default 0): unused, pass 0
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virNodeListDevices
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_node_device_names(
    conn: *mut vkvm_conn,
    cap: *const c_char,
    maxnames: c_int,
    flags: u32,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        let cap = c.text_nullable(cap, "cap")?;
        out.set(c.get(conn, "conn")?.list_node_device_names(cap, maxnames, flags)?)
    })
}

/// Looks up a device of the host by its name.
///
/// - `name`: the name
/// - `device`: the device
///
/// libvirt: virNodeDeviceLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_device_by_name(
    conn: *mut vkvm_conn,
    name: *const c_char,
    device: *mut *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(device, "device")?;
        out.set(c.get(conn, "conn")?.get_node_device_by_name(c.text(name, "name")?)?)
    })
}

/// Looks up a SCSI host, a Fibre Channel adapter, by its world wide names.
///
/// - `wwnn`: world wide node name
/// - `wwpn`: world wide port name
/// - `flags` (default 0): unused, pass 0
/// - `device`: the device
///
/// libvirt: virNodeDeviceLookupSCSIHostByWWN
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_device_scsihost_by_wwn(
    conn: *mut vkvm_conn,
    wwnn: *const c_char,
    wwpn: *const c_char,
    flags: u32,
    device: *mut *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(device, "device")?;
        let (wwnn, wwpn) = (c.text(wwnn, "wwnn")?, c.text(wwpn, "wwpn")?);
        out.set(c.get(conn, "conn")?.get_node_device_scsihost_by_wwn(wwnn, wwpn, flags)?)
    })
}

/// Creates a transient device, such as a virtual HBA or a mediated device.
///
/// - `xml`: a `<device>` document
/// - `flags` (default 0, enum node_device_create_flags)
/// - `device`: the device
///
/// libvirt: virNodeDeviceCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_node_device(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    device: *mut *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(device, "device")?;
        out.set(c.get(conn, "conn")?.create_node_device(c.text(xml, "xml")?, flags)?)
    })
}

/// Defines a persistent device, such as a mediated device, without starting it.
///
/// `vkvm_node_device_create` starts it.
///
/// - `xml`: a `<device>` document
/// - `flags` (default 0, enum node_device_define_flags)
/// - `device`: the device
///
/// libvirt: virNodeDeviceDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_node_device(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    device: *mut *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(device, "device")?;
        out.set(c.get(conn, "conn")?.define_node_device(c.text(xml, "xml")?, flags)?)
    })
}
