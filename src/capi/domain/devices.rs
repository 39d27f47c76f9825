// SPDX-License-Identifier: LGPL-2.1-or-later
//! Devices that come and go.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Attaches a device to the domain.
///
/// Without flags the domain must be running. Hotplugged devices may be lost when the guest
/// suspends to disk, unless the persistent definition has them too.
///
/// - `xml`: a document as in `<devices>`, such as `<disk>` or `<interface>`
/// - `flags` (default 0, enum domain_device_modify_flags): configuration to change: live,
///   persistent or both; 0 means the current state
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

/// Detaches a device from the domain.
///
/// Without flags the domain must be running. The guest has to release the device, which may
/// happen after this call has returned: the event `VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVED` reports
/// it. A block job of a disk may prevent it.
///
/// - `xml`: the device, with everything that the domain's definition has of it: a partial
///   document may match another device
/// - `flags` (default 0, enum domain_device_modify_flags): configuration to change: live,
///   persistent or both; 0 means the current state
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

/// Requests that a device be detached, by its alias, and returns immediately.
///
/// An event reports that the device is gone (`VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVED`), or that
/// the guest refused (`VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED`).
///
/// - `alias`: name in the device's element `<alias>`
/// - `flags` (default 0, enum domain_device_modify_flags): configuration to change: live,
///   persistent or both; 0 means the current state
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

/// Changes a device of the domain, such as a drive's medium or an interface's link.
///
/// - `xml`: the complete device with the changes; leaving something out may mean to remove it
/// - `flags` (default 0, enum domain_device_modify_flags): configuration to change: live,
///   persistent or both; 0 means the current state
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
