//! What a domain uses, and the limits of it.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Gets what a disk of the domain has read and written.
///
/// - `path`: the name in the guest, like `vda`, or the path of the source; empty for
///   the sum of all, where the driver can tell it
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with those of the keys `rd_req` and `wr_req` (requests), `rd_bytes`
///   and `wr_bytes`, `rd_total_times` and `wr_total_times` (ns), `flush_reqs`,
///   `flush_total_times` (ns) and `errs` that the driver knows; -1 is unknown
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

/// Gets what a network interface of the domain has received and sent.
///
/// - `path`: the name on the host, like `vnet0`, or the hardware address
/// - `stats` (map): a map with the keys `rx_bytes`, `rx_packets`, `rx_errs`, `rx_drop`,
///   `tx_bytes`, `tx_packets`, `tx_errs`, `tx_drop`; -1 is unknown
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

/// Gets how the guest uses its memory.
///
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with those of the keys `swap_in`, `swap_out`, `unused`, `available`,
///   `actual_balloon`, `rss`, `usable`, `disk_caches` (all KiB), `major_fault`, `minor_fault`,
///   `hugetlb_pgalloc`, `hugetlb_pgfail` (counts) and `last_update` (seconds since 1970) that
///   are known
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

/// Gets the size of a disk of the domain.
///
/// - `dev`: the name in the guest, like `vda`, or the path of the source
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with the keys `capacity` (what the guest sees), `allocation` (what is
///   used on the host) and `physical` (what its container has), in bytes
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

/// Gets the I/O limits of a disk of the domain.
///
/// - `disk`: the name in the guest, like `vda`, or the path of the source
/// - `flags` (default 0, enum domain_affect_flags)
/// - `params` (map): a map whose keys are the texts of `VKVM_DOMAIN_BLOCK_IOTUNE_*`: bytes or
///   requests per second, seconds for the `…_length` ones; 0 for no limit
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
/// - `disk`: the name in the guest, like `vda`, or the path of the source
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_block_iotune` gives them; a
///   key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets the bandwidth limits of a network interface of the domain.
///
/// - `intf`: the name on the host, like `vnet0`, or the hardware address
/// - `flags` (default 0, enum domain_affect_flags)
/// - `params` (map): a map whose keys are the texts of `VKVM_DOMAIN_BANDWIDTH_*`: average, peak
///   and floor in KiB per second, burst in KiB; 0 for no limit
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
/// - `intf`: the name on the host, like `vnet0`, or the hardware address
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_interface_parameters` gives
///   them; a key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets the weights and limits of the disk I/O of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `params` (map): a map whose keys are the texts of `VKVM_DOMAIN_BLKIO_*`; what is per device
///   is text, a path and a number in turn, with commas between them
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

/// Sets disk I/O weights and limits of the domain.
///
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_blkio_parameters` gives
///   them; a key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets the NUMA policy of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `params` (map): a map whose keys are the texts of `VKVM_DOMAIN_NUMA_*`: a list of nodes,
///   like `0-1,3`, and one of `VKVM_DOMAIN_NUMATUNE_MEM_*`
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

/// Sets NUMA policy of the domain.
///
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_numa_parameters` gives
///   them; a key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets which performance events are counted for the domain.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `events` (map): a map whose keys are the texts of `VKVM_DOMAIN_PERF_PARAM_*`, with whether
///   they are counted
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

/// Sets which performance events are counted for the domain.
///
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_perf_events` gives them; a
///   key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets the CPU time that the domain has used.
///
/// - `start_cpu`: the first of the host's CPUs to tell about, or -1 for the sum of all
/// - `ncpus`: how many CPUs, at most 65,536; 1 for the sum; 0 for all that there are
/// - `flags` (default 0): unused, pass 0
/// - `stats` (list): a list with a map for each CPU, or with one for the sum; the keys are the
///   texts of `VKVM_DOMAIN_CPU_STATS_*`, in ns
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

/// Lists the disks of the domain on which reading or writing has failed.
///
/// - `flags` (default 0): unused, pass 0
/// - `errors` (list): a list of maps with the keys `path` (the disk's name in the guest) and
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

/// Gets how far the domain is with what takes long: saving, dumping, migrating.
///
/// - `info` (map): a map with the keys `type` (`VKVM_DOMAIN_JOB_NONE` and those after it),
///   `timeElapsed` and `timeRemaining` (ms), and in bytes `dataTotal`, `dataProcessed`,
///   `dataRemaining`, the same for `mem…` and `file…`
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

/// Gets how far the domain is with what takes long, with all that the driver knows.
///
/// - `flags` (default 0, enum domain_job_stats_flags)
/// - `type` (enum domain_job_type): type of the job
/// - `stats` (map): a map whose keys are the texts of `VKVM_DOMAIN_JOB_*`; times in ms, sizes in
///   bytes
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

/// Ends what takes long: saving, dumping, migrating.
///
/// Flags need libvirt 8.5.0.
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
