//! What the agent in a guest does and knows.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Makes file systems of the guest consistent on disk, and keeps them from being
/// written to.
///
/// The guest's agent does it. `vkvm_domain_fs_thaw` must follow soon: what writes to them
/// waits until then.
///
/// - `mountpoints` (nullable): where they are mounted in the guest; NULL or an empty list
///   for all file systems
/// - `mountpoints_len`: how many there are
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

/// Lets file systems of the guest that `vkvm_domain_fs_freeze` stopped be written to.
///
/// - `mountpoints` (nullable): where they are mounted in the guest; NULL or an empty list
///   for all file systems
/// - `mountpoints_len`: how many there are
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

/// Lets the guest's agent give blocks that file systems do not use back to the host.
///
/// - `mountpoint` (nullable): where the file system is mounted in the guest; NULL for all.
///   QEMU's driver knows all only
/// - `minimum` (unit bytes): leave free ranges alone that are smaller; 0 for none
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

/// Asks the guest's agent for the file systems that are mounted.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (list): a list of maps of `mountpoint`, `name` (the device's in the guest), `fstype`
///   (like "ext4") and `devalias` (a list of the domain's disks that it is on, like "vda")
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

/// Asks the guest's agent about the guest.
///
/// - `types` (default 0, enum domain_guest_info_types): what to ask; 0 for all that the agent
///   can tell. What was asked for and the agent cannot tell is an error
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map; its keys are the texts of `VKVM_DOMAIN_GUEST_INFO_*`, those of lists
///   with a number, like "fs.0.mountpoint"
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

/// Gets the addresses of the network interfaces of the guest.
///
/// - `src` (enum domain_interface_addresses_source): who is asked: the leases of libvirt's
///   networks, the guest's agent, or the host's ARP table
/// - `flags` (default 0): unused, pass 0
/// - `interfaces` (list): a list of maps of `name` (as its source calls it), `hwaddr` (the
///   hardware address; not there when it is not known) and `addrs`: a list of maps of `type`
///   (one of `VKVM_IP_ADDR_TYPE_*`), `addr` and `prefix` (how many bits the network has)
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
