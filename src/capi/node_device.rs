//! `vkvm_node_device_*`: the host's devices.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_node_device};
use crate::core::Text;

/// Adds a hold on the node device handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_node_device_free`, or NULL
///   when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_ref(dev: *mut vkvm_node_device) -> *mut vkvm_node_device {
    direct(std::ptr::null_mut(), |c| c.retain(dev))
}

/// Gives up a hold on the node device handle. NULL and handles that are not
/// live are left alone.
///
/// - `dev` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_free(dev: *mut vkvm_node_device) {
    void(|c| c.free(dev))
}

/// Frees a list of node devices that a function returned, with its handles.
///
/// - `devices` (consumed, nullable): the list
/// - `devices_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_list_free(
    devices: *mut *mut vkvm_node_device,
    devices_len: usize,
) {
    void(|c| c.free_list(devices, devices_len))
}

/// Gets the name of the device.
///
/// - `name`: the name, like "pci_0000_00_19_0"
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

/// Gets the name of the device that this one is connected to.
///
/// - `parent` (nullable): the name, or NULL for a device without a parent; of
///   which most drivers make an error
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

/// Lists the names of the capabilities of the device, like "pci" or "net".
///
/// - `names`: the names
/// - `names_len`: how many there are
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

/// Gets the description of the device.
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

/// Takes the device away from its driver on the host, so that a domain can have
/// it.
///
/// The name is spelled as in Sys::Virt.
///
/// - `driver` (nullable): what shall have the device in the meantime, like
///   "vfio"; NULL lets libvirt choose
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

/// Gives the device back to its driver on the host.
///
/// libvirt: virNodeDeviceReAttach
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_reattach(
    dev: *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.reattach())
}

/// Resets the device, so that whoever gets it next finds it clean.
///
/// libvirt: virNodeDeviceReset
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_reset(
    dev: *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.reset())
}

/// Starts the device, which was defined before.
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

/// Removes the device from the host. One that is defined stays defined.
///
/// The handle stays valid.
///
/// libvirt: virNodeDeviceDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_node_device_destroy(
    dev: *mut vkvm_node_device,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dev, "dev")?.destroy())
}

/// Forgets the definition of the device.
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

/// Changes the device.
///
/// - `xml`: the changed `<device>` document
/// - `flags` (default 0, enum node_device_update_flags)
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

/// Tells whether the device is there at the moment.
///
/// - `active`: whether it is
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

/// Tells whether the device stays defined when it is removed.
///
/// - `persistent`: whether it does
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

/// Tells whether the node device starts with the host.
///
/// - `autostart`: whether it does
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

/// Sets whether the node device starts with the host.
///
/// - `autostart`: 0 for no, anything else for yes
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
