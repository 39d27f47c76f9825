//! Devices that come and go.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Adds a device to the domain. Without flags, the domain must run.
///
/// - `xml`: a document as within `<devices>`, like `<disk>` or `<interface>`
/// - `flags` (default 0, enum domain_device_modify_flags): which of the running domain and its
///   definition is meant
///
/// libvirt: virDomainAttachDevice, virDomainAttachDeviceFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_attach_device(
    dom: *mut vkvm_domain,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.attach_device(c.text(xml, "xml")?, flags))
}

/// Removes a device from the domain.
///
/// From a running domain it is gone only when the guest has let go of it, which an event
/// tells (`VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVED`) and which can be later than the return
/// of this call. Without flags, the domain must run.
///
/// - `xml`: the device, as in the domain's definition
/// - `flags` (default 0, enum domain_device_modify_flags): which of the running domain and its
///   definition is meant
///
/// libvirt: virDomainDetachDevice, virDomainDetachDeviceFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_detach_device(
    dom: *mut vkvm_domain,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.detach_device(c.text(xml, "xml")?, flags))
}

/// Asks the guest to let go of a device, and returns at once. An event tells when the
/// device is gone (`VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVED`), or that it stays
/// (`VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED`).
///
/// - `alias`: the name in the device's element `<alias>`
/// - `flags` (default 0, enum domain_device_modify_flags): which of the running domain and its
///   definition is meant
///
/// libvirt: virDomainDetachDeviceAlias
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_detach_device_alias(
    dom: *mut vkvm_domain,
    alias: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.detach_device_alias(c.text(alias, "alias")?, flags))
}

/// Changes a device of the domain: the medium of a drive, or the link of a network
/// interface, and so on.
///
/// - `xml`: the whole device as it is to be
/// - `flags` (default 0, enum domain_device_modify_flags): which of the running domain and its
///   definition is meant
///
/// libvirt: virDomainUpdateDeviceFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_update_device(
    dom: *mut vkvm_domain,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.update_device(c.text(xml, "xml")?, flags))
}
