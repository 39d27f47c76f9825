//! A domain's disks: their sizes, their thresholds, and limits for groups of them.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Changes the size of a disk of the running domain.
///
/// - `disk`: the name in the guest, like `vda`, or the path of the source
/// - `size` (unit KiB): the new size, in bytes with `VKVM_DOMAIN_BLOCK_RESIZE_BYTES`
/// - `flags` (default 0, enum domain_block_resize_flags)
///
/// libvirt: virDomainBlockResize
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_resize(
    dom: *mut vkvm_domain,
    disk: *const c_char,
    size: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.block_resize(c.text(disk, "disk")?, size, flags))
}

/// Sets from which byte on a write to a disk is reported, once, by the event
/// `VKVM_DOMAIN_EVENT_ID_BLOCK_THRESHOLD`.
///
/// - `dev`: the name in the guest, like `vda`, or one of its backing chain, like `vda[3]`
/// - `threshold` (unit bytes): how much; 0 for no report
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainSetBlockThreshold
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_block_threshold(
    dom: *mut vkvm_domain,
    dev: *const c_char,
    threshold: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_block_threshold(c.text(dev, "dev")?, threshold, flags))
}

/// Makes a group of disks that have their I/O limits in common, or changes its limits.
///
/// - `group`: its name
/// - `newparams` (map): a map with the limits; the keys are the texts of
///   `VKVM_DOMAIN_BLOCK_IOTUNE_*`
/// - `flags` (default 0, enum domain_affect_flags)
///
/// libvirt: virDomainSetThrottleGroup
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_throttle_group(
    dom: *mut vkvm_domain,
    group: *const c_char,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_throttle_group(c.text(group, "group")?, &params, flags)
    })
}

/// Removes a group that no disk is in.
///
/// - `group`: its name
/// - `flags` (default 0, enum domain_affect_flags)
///
/// libvirt: virDomainDelThrottleGroup
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_del_throttle_group(
    dom: *mut vkvm_domain,
    group: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.del_throttle_group(c.text(group, "group")?, flags))
}
