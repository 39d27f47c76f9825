// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's network interfaces: announcing them to the network.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Announces a network interface of the running domain with gratuitous ARP packets.
///
/// Switches then forward to where the domain is now, such as after a migration.
///
/// - `device` (nullable): name of the interface on the host, such as `vnet0`, or its MAC
///   address; NULL means all interfaces
/// - `params` (map): a map with the schedule of the packets; the keys are the texts of
///   `VKVM_DOMAIN_ANNOUNCE_INTERFACE_*`; the driver has defaults for missing ones
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainAnnounceInterface
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_announce_interface(
    dom: *mut vkvm_domain,
    device: *const c_char,
    params: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, times) = (c.get(dom, "dom")?, c.map(params, "params")?);
        dom.announce_interface(c.text_nullable(device, "device")?, &times, flags)
    })
}
