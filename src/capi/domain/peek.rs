//! Looking into a domain's memory and disks.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Reads bytes of a disk of the running domain, as they are in its source.
///
/// - `path`: the name in the guest, like `vda`, or the path of the source
/// - `offset` (unit bytes): where to begin
/// - `size` (unit bytes): how much; libvirt has a limit, 4 MiB over a socket
/// - `flags` (default 0): unused, pass 0
/// - `data`: the bytes
/// - `data_len`: how many there are, which is `size`
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

/// Reads bytes of the memory of the running domain.
///
/// - `offset` (unit bytes): the address of the first one
/// - `size` (unit bytes): how much; libvirt has a limit, 4 MiB over a socket
/// - `flags` (default 0, enum domain_memory_peek_flags): kind of the address; one of them is
///   needed
/// - `data`: the bytes
/// - `data_len`: how many there are, which is `size`
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

/// Begins to measure how fast the guest writes to its memory. The result is in
/// `vkvm_conn_get_all_domain_stats`, `VKVM_DOMAIN_STATS_DIRTYRATE`.
///
/// - `secs`: how long to measure, from 1 to 60 s
/// - `flags` (default 0, enum domain_dirty_rate_mode): how to measure
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

/// Sets how often the guest is asked how it uses its memory.
///
/// - `val` (unit s): the time between two questions, or 0 to ask no more
/// - `flags` (default 0, enum domain_memory_flags)
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
