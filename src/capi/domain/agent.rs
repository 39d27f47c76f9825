// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the agent in a guest does and knows.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Freezes file systems of the guest, so that they are consistent on disk.
///
/// The guest agent does it. Programs in the guest that write to them wait until
/// `vkvm_domain_fs_thaw`, which must follow soon.
///
/// - `mountpoints` (nullable): mount points in the guest; NULL or an empty list means all file
///   systems. Older agents accept only that
/// - `mountpoints_len`: number of elements
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainFSFreeze
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_fs_freeze(
    dom: *mut vkvm_domain,
    mountpoints: *const *const c_char,
    mountpoints_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        dom.fs_freeze(&c.texts(mountpoints, mountpoints_len, "mountpoints")?, flags)
    })
}

/// Thaws file systems of the guest that `vkvm_domain_fs_freeze` has frozen.
///
/// - `mountpoints` (nullable): mount points in the guest; NULL or an empty list means all file
///   systems, which is all that QEMU's driver accepts
/// - `mountpoints_len`: number of elements
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainFSThaw
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_fs_thaw(
    dom: *mut vkvm_domain,
    mountpoints: *const *const c_char,
    mountpoints_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        dom.fs_thaw(&c.texts(mountpoints, mountpoints_len, "mountpoints")?, flags)
    })
}

/// Discards unused blocks of the guest's file systems (FITRIM), by the guest agent.
///
/// - `mountpoint` (nullable): mount point in the guest; NULL means all file systems, which is
///   all that QEMU's driver accepts
/// - `minimum` (unit bytes): size below which free ranges may be ignored, a hint; 0 means none
///   are
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainFSTrim
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_fs_trim(
    dom: *mut vkvm_domain,
    mountpoint: *const c_char,
    minimum: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        dom.fs_trim(c.text_nullable(mountpoint, "mountpoint")?, minimum, flags)
    })
}

/// Returns the mounted file systems of the guest, from the guest agent.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (list): a list of maps with the keys `mountpoint`, `name` (device name in the
///   guest), `fstype` (such as "ext4") and `devalias` (list of the target device names of the
///   disks it is on, such as "vda")
///
/// libvirt: virDomainGetFSInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_fs_info(
    dom: *mut vkvm_domain,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        let systems = c.get(dom, "dom")?.get_fs_info(flags)?;
        out.set_value(systems.into_iter().map(Value::Map).collect::<Vec<_>>())
    })
}

/// Returns information about the guest, from the guest agent.
///
/// Users, operating system, time zone, host name, file systems, disks, interfaces and load are
/// available, as far as the agent supports them. The domain must be running.
///
/// - `types` (default 0, enum domain_guest_info_types): groups of information; 0 means all that
///   the agent supports. A group that was asked for and is not supported is an error
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map; the keys are the texts of `VKVM_DOMAIN_GUEST_INFO_*`, with numbers
///   for lists, such as "fs.0.mountpoint"
///
/// libvirt: virDomainGetGuestInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_guest_info(
    dom: *mut vkvm_domain,
    types: u32,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_guest_info(types, flags)?)
    })
}

/// Returns the network interfaces of the guest and their IP addresses.
///
/// - `src` (enum domain_interface_addresses_source): source of the addresses: DHCP leases of
///   libvirt's networks, the guest agent, or the host's ARP table, which may be out of date and
///   has no prefixes
/// - `flags` (default 0): unused, pass 0
/// - `interfaces` (list): a list of maps with the keys `name` (host's or guest's name,
///   depending on the source), `hwaddr` (MAC address; missing when unknown) and `addrs`: a list
///   of maps with `type` (one of `VKVM_IP_ADDR_TYPE_*`), `addr` and `prefix` (prefix length in
///   bits)
///
/// libvirt: virDomainInterfaceAddresses
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_interface_addresses(
    dom: *mut vkvm_domain,
    src: u32,
    flags: u32,
    interfaces: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(interfaces, "interfaces")?;
        let interfaces = c.get(dom, "dom")?.get_interface_addresses(src, flags)?;
        out.set_value(interfaces.into_iter().map(Value::Map).collect::<Vec<_>>())
    })
}
