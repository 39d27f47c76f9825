// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a domain uses, and the limits of it.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Returns the I/O statistics of a disk of the running domain.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source; empty for
///   the sum of all disks, which not all drivers support
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with the keys that the driver supports: `rd_req` and `wr_req`
///   (requests), `rd_bytes` and `wr_bytes`, `rd_total_times` and `wr_total_times` (ns),
///   `flush_reqs`, `flush_total_times` (ns) and `errs`; -1 means unknown
///
/// libvirt: virDomainBlockStatsFlags, virDomainBlockStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_stats(
    dom: *mut vkvm_domain,
    path: *const c_char,
    flags: u32,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stats, "stats")?;
        out.set_value(c.get(dom, "dom")?.block_stats(c.text(path, "path")?, flags)?)
    })
}

/// Returns the traffic statistics of a network interface of the running domain.
///
/// The counters are from the guest's point of view: `rx` is what the guest has received.
///
/// - `path`: name of the interface on the host, such as `vnet0`, or its MAC address
/// - `stats` (map): a map with the keys `rx_bytes`, `rx_packets`, `rx_errs`, `rx_drop`,
///   `tx_bytes`, `tx_packets`, `tx_errs`, `tx_drop`; -1 means unknown
///
/// libvirt: virDomainInterfaceStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_interface_stats(
    dom: *mut vkvm_domain,
    path: *const c_char,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stats, "stats")?;
        out.set_value(c.get(dom, "dom")?.interface_stats(c.text(path, "path")?)?)
    })
}

/// Returns the memory statistics of the running domain.
///
/// Most of them come from the guest's balloon driver, which QEMU asks at the interval set by
/// `vkvm_domain_set_memory_stats_period`.
///
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with the keys that the driver and the guest support: `swap_in`,
///   `swap_out`, `unused`, `available`, `actual_balloon`, `rss`, `usable`, `disk_caches` (all
///   in KiB), `major_fault`, `minor_fault`, `hugetlb_pgalloc`, `hugetlb_pgfail` (counts) and
///   `last_update` (seconds since 1970)
///
/// libvirt: virDomainMemoryStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_memory_stats(
    dom: *mut vkvm_domain,
    flags: u32,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stats, "stats")?;
        out.set_value(c.get(dom, "dom")?.memory_stats(flags)?)
    })
}

/// Returns the sizes of a disk of the domain.
///
/// For an inactive QEMU domain `allocation` may equal `physical`.
///
/// - `dev`: target device name of the disk, such as `vda`, or path of its source
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with the keys `capacity` (size that the guest sees), `allocation`
///   (highest allocated extent on the host) and `physical` (size of the image's container, a
///   file or a block device), in bytes
///
/// libvirt: virDomainGetBlockInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_block_info(
    dom: *mut vkvm_domain,
    dev: *const c_char,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_block_info(c.text(dev, "dev")?, flags)?)
    })
}

/// Returns the I/O limits of a disk of the domain.
///
/// - `disk`: target device name of the disk, such as `vda`, or path of its source
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `params` (map): a map with the texts of `VKVM_DOMAIN_BLOCK_IOTUNE_*` as keys: bytes or
///   requests per second, seconds for the `…_length` keys; 0 means unlimited
///
/// libvirt: virDomainGetBlockIoTune
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_block_iotune(
    dom: *mut vkvm_domain,
    disk: *const c_char,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(dom, "dom")?.get_block_iotune(c.text(disk, "disk")?, flags)?)
    })
}

/// Sets I/O limits of a disk of the domain.
///
/// - `disk`: target device name of the disk, such as `vda`, or path of its source
/// - `newparams` (map): a map with the limits to set, with keys as in
///   `vkvm_domain_get_block_iotune`; a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetBlockIoTune
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_block_iotune(
    dom: *mut vkvm_domain,
    disk: *const c_char,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_block_iotune(c.text(disk, "disk")?, &params, flags)
    })
}

/// Returns the bandwidth limits of a network interface of the domain.
///
/// - `intf`: name of the interface on the host, such as `vnet0`, or its MAC address
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `params` (map): a map with the texts of `VKVM_DOMAIN_BANDWIDTH_*` as keys: average, peak
///   and floor in KiB per second, burst in KiB; 0 means unlimited
///
/// libvirt: virDomainGetInterfaceParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_interface_parameters(
    dom: *mut vkvm_domain,
    intf: *const c_char,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(dom, "dom")?.get_interface_parameters(c.text(intf, "intf")?, flags)?)
    })
}

/// Sets bandwidth limits of a network interface of the domain.
///
/// - `intf`: name of the interface on the host, such as `vnet0`, or its MAC address
/// - `newparams` (map): a map with the limits to set, with keys as in
///   `vkvm_domain_get_interface_parameters`; a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetInterfaceParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_interface_parameters(
    dom: *mut vkvm_domain,
    intf: *const c_char,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_interface_parameters(c.text(intf, "intf")?, &params, flags)
    })
}

/// Returns the block I/O weights and limits of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `params` (map): a map with the texts of `VKVM_DOMAIN_BLKIO_*` as keys; values per device
///   are text, paths and numbers in turn, separated by commas
///
/// libvirt: virDomainGetBlkioParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_blkio_parameters(
    dom: *mut vkvm_domain,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(dom, "dom")?.get_blkio_parameters(flags)?)
    })
}

/// Sets block I/O weights and limits of the domain.
///
/// - `newparams` (map): a map with the values to set, with keys as in
///   `vkvm_domain_get_blkio_parameters`; a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetBlkioParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_blkio_parameters(
    dom: *mut vkvm_domain,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_blkio_parameters(&params, flags)
    })
}

/// Returns the NUMA policy of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `params` (map): a map with the texts of `VKVM_DOMAIN_NUMA_*` as keys: a list of host nodes
///   such as `0-1,3`, and one of `VKVM_DOMAIN_NUMATUNE_MEM_*`
///
/// libvirt: virDomainGetNumaParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_numa_parameters(
    dom: *mut vkvm_domain,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(dom, "dom")?.get_numa_parameters(flags)?)
    })
}

/// Sets the NUMA policy of the domain.
///
/// QEMU cannot change the mode of a running domain, and can change its nodes only with the mode
/// `VKVM_DOMAIN_NUMATUNE_MEM_RESTRICTIVE`.
///
/// - `newparams` (map): a map with the values to set, with keys as in
///   `vkvm_domain_get_numa_parameters`; a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetNumaParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_numa_parameters(
    dom: *mut vkvm_domain,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_numa_parameters(&params, flags)
    })
}

/// Returns the Linux performance events (perf) that are enabled for the domain.
///
/// The counters themselves are among the statistics of `vkvm_conn_get_all_domain_stats`.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `events` (map): a map with the texts of `VKVM_DOMAIN_PERF_PARAM_*` as keys, true for those
///   that are enabled
///
/// libvirt: virDomainGetPerfEvents
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_perf_events(
    dom: *mut vkvm_domain,
    flags: u32,
    events: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(events, "events")?;
        out.set_value(c.get(dom, "dom")?.get_perf_events(flags)?)
    })
}

/// Enables or disables Linux performance events (perf) of the domain.
///
/// - `newparams` (map): a map with the events to change, with keys as in
///   `vkvm_domain_get_perf_events`; a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetPerfEvents
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_perf_events(
    dom: *mut vkvm_domain,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_perf_events(&params, flags)
    })
}

/// Returns CPU time statistics of the running domain, per host CPU or in total.
///
/// They count time on the host's CPUs, not the guest's.
///
/// - `start_cpu`: first host CPU; -1 for the total
/// - `ncpus`: number of host CPUs, at most 65,536; 1 for the total; 0 means all
/// - `flags` (default 0): unused, pass 0
/// - `stats` (list): a list with a map for each CPU, or with one for the total; the keys are
///   the texts of `VKVM_DOMAIN_CPU_STATS_*`, in ns
///
/// libvirt: virDomainGetCPUStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_cpu_stats(
    dom: *mut vkvm_domain,
    start_cpu: c_int,
    ncpus: u32,
    flags: u32,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stats, "stats")?;
        let list = c.get(dom, "dom")?.get_cpu_stats(start_cpu, ncpus, flags)?;
        out.set_value(list.into_iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// Returns the I/O errors of the disks of the running domain.
///
/// Disks without an error are not in the list.
///
/// - `flags` (default 0): unused, pass 0
/// - `errors` (list): a list of maps with the keys `path` (target device name of the disk) and
///   `error` (one of `VKVM_DOMAIN_DISK_ERROR_*`)
///
/// libvirt: virDomainGetDiskErrors
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_disk_errors(
    dom: *mut vkvm_domain,
    flags: u32,
    errors: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(errors, "errors")?;
        let list = c.get(dom, "dom")?.get_disk_errors(flags)?;
        out.set_value(list.into_iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// Returns the progress of the domain's active job (save, dump, migration).
///
/// `vkvm_domain_get_job_stats` returns more. An inactive domain is an error.
///
/// - `info` (map): a map with the keys `type` (one of `VKVM_DOMAIN_JOB_*` from
///   `VKVM_DOMAIN_JOB_NONE` on), `timeElapsed` and `timeRemaining` (ms; the latter only for
///   jobs whose end is known), and in bytes `dataTotal`, `dataProcessed`, `dataRemaining`, and
///   the same for memory (`mem…`) and disks (`file…`)
///
/// libvirt: virDomainGetJobInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_job_info(
    dom: *mut vkvm_domain,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_job_info()?)
    })
}

/// Returns the statistics of the domain's active or last completed job.
///
/// A newer driver may return keys that this version has no constant for. An inactive domain is
/// an error.
///
/// - `flags` (default 0, enum domain_job_stats_flags)
/// - `type` (enum domain_job_type): type of the job
/// - `stats` (map): a map with the texts of `VKVM_DOMAIN_JOB_*` as keys; times are in ms, sizes
///   in bytes
///
/// libvirt: virDomainGetJobStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_job_stats(
    dom: *mut vkvm_domain,
    flags: u32,
    r#type: *mut c_int,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out_type, out_stats) = (c.out(r#type, "type")?, c.out_handle(stats, "stats")?);
        let (kind, stats) = c.get(dom, "dom")?.get_job_stats(flags)?;
        out_stats.set_value(stats)?;
        out_type.set(kind);
        Ok(())
    })
}

/// Aborts the domain's active job (save, dump, migration, backup).
///
/// It also ends a backup in pull mode when its client has read the data. A migration that has
/// switched to post-copy is an error without `VKVM_DOMAIN_DOMAIN_ABORT_JOB_POSTCOPY`.
///
/// - `flags` (default 0, enum domain_abort_job_flags, since 8.5.0)
///
/// libvirt: virDomainAbortJob, virDomainAbortJobFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_abort_job(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.abort_job(flags))
}
