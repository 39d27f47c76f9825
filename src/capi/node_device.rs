// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_node_device_*`: the host's devices.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_node_device};
use crate::core::Text;

/// Adds a reference to the node device handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_node_device_free`; NULL when
///   it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_ref(dev: *mut vkvm_node_device) -> *mut vkvm_node_device {
    direct(std::ptr::null_mut(), |c| c.retain(dev))
}

/// Releases a reference to the node device handle.
///
/// The device itself is not affected. NULL and handles that are not live are ignored.
///
/// - `dev` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_free(dev: *mut vkvm_node_device) {
    void(|c| c.free(dev))
}

/// Frees a returned list of node devices and releases its handles.
///
/// - `devices` (consumed, nullable): the list
/// - `devices_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_list_free(
    devices: *mut *mut vkvm_node_device,
    devices_len: usize,
) {
    void(|c| c.free_list(devices, devices_len))
}

/// Returns the name of the device.
///
/// - `name`: the name, such as "pci_0000_00_19_0"
///
/// libvirt: virNodeDeviceGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_get_name(
    dev: *mut vkvm_node_device,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(dev, "dev")?.get_name()?));
        Ok(())
    })
}

/// Returns the name of the device's parent.
///
/// - `parent` (nullable): the name; NULL for a device without a parent, which most drivers
///   report as an error
///
/// libvirt: virNodeDeviceGetParent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_get_parent(
    dev: *mut vkvm_node_device,
    parent: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text_nullable(parent, "parent")?;
        out.set(c.get(dev, "dev")?.get_parent()?);
        Ok(())
    })
}

/// Lists the capabilities of the device, such as "pci" or "net".
///
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virNodeDeviceNumOfCaps, virNodeDeviceListCaps
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_list_capabilities(
    dev: *mut vkvm_node_device,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(dev, "dev")?.list_capabilities()?)
    })
}

/// Returns the description of the device as XML.
///
/// - `flags` (default 0, enum node_device_xml_flags)
/// - `xml`: a `<device>` document
///
/// libvirt: virNodeDeviceGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_get_xml_description(
    dev: *mut vkvm_node_device,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(dev, "dev")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Detaches the device from its driver on the host, for use by a domain.
///
/// A device that the host uses may be refused. `vkvm_node_device_reattach` reverses it. The
/// name is spelled as in Sys::Virt.
///
/// - `driver` (nullable): driver that takes the device meanwhile, such as "vfio"; NULL means
///   the driver's default
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNodeDeviceDettach, virNodeDeviceDetachFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_dettach(
    dev: *mut vkvm_node_device,
    driver: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.dettach(c.text_nullable(driver, "driver")?, flags))
}

/// Reattaches the device to its driver on the host.
///
/// No domain may use it.
///
/// libvirt: virNodeDeviceReAttach
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_reattach(
    dev: *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.reattach())
}

/// Resets the device, before or after a domain uses it.
///
/// The device must be detached from its driver on the host.
///
/// libvirt: virNodeDeviceReset
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_reset(
    dev: *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.reset())
}

/// Starts the defined device.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNodeDeviceCreate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_create(
    dev: *mut vkvm_node_device,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.create(flags))
}

/// Stops the device and removes it from the host.
///
/// A persistent definition remains. The handle stays valid.
///
/// libvirt: virNodeDeviceDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_destroy(
    dev: *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.destroy())
}

/// Removes the definition of the device.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNodeDeviceUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_undefine(
    dev: *mut vkvm_node_device,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.undefine(flags))
}

/// Updates the definition of the device.
///
/// - `xml`: the changed `<device>` document
/// - `flags` (default 0, enum node_device_update_flags): configuration to change: live,
///   persistent or both; 0 means the current state
///
/// libvirt: virNodeDeviceUpdate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_update(
    dev: *mut vkvm_node_device,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.update(c.text(xml, "xml")?, flags))
}

/// Reports whether the device is active.
///
/// - `active`: true if it is
///
/// libvirt: virNodeDeviceIsActive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_is_active(
    dev: *mut vkvm_node_device,
    active: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(active, "active")?;
        out.set(c.get(dev, "dev")?.is_active()?);
        Ok(())
    })
}

/// Reports whether the device has a persistent definition.
///
/// - `persistent`: true if it has
///
/// libvirt: virNodeDeviceIsPersistent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_is_persistent(
    dev: *mut vkvm_node_device,
    persistent: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(persistent, "persistent")?;
        out.set(c.get(dev, "dev")?.is_persistent()?);
        Ok(())
    })
}

/// Reports whether the device starts when the host boots.
///
/// It also starts when its parent device becomes available.
///
/// - `autostart`: true if it does
///
/// libvirt: virNodeDeviceGetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_get_autostart(
    dev: *mut vkvm_node_device,
    autostart: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(autostart, "autostart")?;
        out.set(c.get(dev, "dev")?.get_autostart()?);
        Ok(())
    })
}

/// Sets whether the device starts when the host boots.
///
/// - `autostart`: 0 for no, any other value for yes
///
/// libvirt: virNodeDeviceSetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_set_autostart(
    dev: *mut vkvm_node_device,
    autostart: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.set_autostart(autostart != 0))
}
