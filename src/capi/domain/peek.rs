// SPDX-License-Identifier: LGPL-2.1-or-later
//! Looking into a domain's memory and disks.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Reads data from a disk of the running domain.
///
/// The data are those of the disk's source, with the image format's metadata.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `offset` (unit bytes): offset of the first byte
/// - `size` (unit bytes): amount to read; the remote protocol allows at most 4 MiB; 0 only
///   checks whether the call would work
/// - `flags` (default 0): unused, pass 0
/// - `data`: the data
/// - `data_len`: number of bytes, always `size`
///
/// libvirt: virDomainBlockPeek
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_peek(
    dom: *mut vkvm_domain,
    path: *const c_char,
    offset: u64,
    size: usize,
    flags: u32,
    data: *mut *mut u8,
    data_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(data, data_len, "data", "data_len")?;
        out.set(&c.get(dom, "dom")?.block_peek(c.text(path, "path")?, offset, size, flags)?)
    })
}

/// Reads data from the memory of the running domain.
///
/// - `offset` (unit bytes): address of the first byte
/// - `size` (unit bytes): amount to read; the remote protocol allows at most 4 MiB; 0 only
///   checks whether the call would work
/// - `flags` (default 0, enum domain_memory_peek_flags): kind of the address, virtual or
///   physical; one is required. Virtual addresses are those of the task that happens to run
/// - `data`: the data
/// - `data_len`: number of bytes, always `size`
///
/// libvirt: virDomainMemoryPeek
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_memory_peek(
    dom: *mut vkvm_domain,
    offset: u64,
    size: usize,
    flags: u32,
    data: *mut *mut u8,
    data_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(data, data_len, "data", "data_len")?;
        out.set(&c.get(dom, "dom")?.memory_peek(offset, size, flags)?)
    })
}

/// Starts to measure the rate at which the guest dirties its memory.
///
/// The call returns immediately. The result appears in `vkvm_conn_get_all_domain_stats`, in the
/// group `VKVM_DOMAIN_STATS_DIRTYRATE`, when the time is over.
///
/// - `secs`: duration of the measurement in seconds, from 1 to 60
/// - `flags` (default 0, enum domain_dirty_rate_mode): mode of the measurement
///
/// libvirt: virDomainStartDirtyRateCalc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_start_dirty_rate_calc(
    dom: *mut vkvm_domain,
    secs: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.start_dirty_rate_calc(secs, flags))
}

/// Sets the interval at which memory statistics are collected from the guest.
///
/// - `val` (unit s): the interval; 0 disables the collection
/// - `flags` (default 0, enum domain_memory_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetMemoryStatsPeriod
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_memory_stats_period(
    dom: *mut vkvm_domain,
    val: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_memory_stats_period(val, flags))
}
