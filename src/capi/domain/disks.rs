// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's disks: their sizes, their thresholds, and limits for groups of them.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Resizes a disk of the running domain.
///
/// The hypervisor resizes images with a format such as qcow2. For a raw file or a block device
/// on the host it may only update the size that the guest sees.
///
/// - `disk`: target device name of the disk, such as `vda`, or path of its source
/// - `size` (unit KiB): the new size, in bytes with `VKVM_DOMAIN_BLOCK_RESIZE_BYTES`; it may be
///   rounded up
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

/// Sets the write threshold of a disk or of an image in its backing chain.
///
/// The event `VKVM_DOMAIN_EVENT_ID_BLOCK_THRESHOLD` reports once that the guest has written
/// beyond it; then the threshold is unset. That way storage can be extended on demand, without
/// polling.
///
/// - `dev`: target device name of the disk, such as `vda`, or an image of its chain by index,
///   such as `vda[3]`
/// - `threshold` (unit bytes): offset in the image; 0 removes the threshold
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

/// Creates or changes a throttle group: I/O limits that disks share.
///
/// - `group`: name of the group
/// - `newparams` (map): a map with the limits; the keys are the texts of
///   `VKVM_DOMAIN_BLOCK_IOTUNE_*`
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
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

/// Removes a throttle group that no disk uses.
///
/// - `group`: name of the group
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
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
