// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a domain uses, and the limits of it.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, Text, call};
use crate::core::late::Late;
use crate::core::typed_params::{self, TypedParams};
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

type AbortJobFlags = unsafe extern "C" fn(sys::virDomainPtr, c_uint) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static ABORT_JOB_FLAGS: Late<AbortJobFlags> =
    unsafe { Late::new(c"virDomainAbortJobFlags", "8.5.0") };

/// What the `VIR_DOMAIN_MEMORY_STAT_*` are called.
const MEMORY_STATS: [&str; 13] = [
    "swap_in",
    "swap_out",
    "major_fault",
    "minor_fault",
    "unused",
    "available",
    "actual_balloon",
    "rss",
    "usable",
    "last_update",
    "disk_caches",
    "hugetlb_pgalloc",
    "hugetlb_pgfail",
];

impl Domain {
    /// What a disk has read and written; times in ns.
    pub fn block_stats(&self, path: &CStr, flags: c_uint) -> Result<Map> {
        let stats = TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live. The array is NULL or has room for `len`.
            let returned = unsafe {
                sys::virDomainBlockStatsFlags(self.raw(), path.as_ptr(), array, len, flags)
            };
            call::done(returned, c"virDomainBlockStatsFlags")
        });
        match stats {
            Ok(stats) => Ok(renamed(stats.to_map())),
            Err(error) if flags == 0 && error.details().code == sys::VIR_ERR_NO_SUPPORT as i32 => {
                self.plain_block_stats(path)
            }
            Err(error) => Err(error),
        }
    }

    /// What drivers know that do not know more.
    fn plain_block_stats(&self, path: &CStr) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut stats: sys::virDomainBlockStatsStruct = unsafe { std::mem::zeroed() };
        let size = size_of_val(&stats);
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainBlockStats(self.raw(), path.as_ptr(), &mut stats, size) };
        call::done(returned, c"virDomainBlockStats")?;
        let mut map = Map::with_capacity(5);
        map.push_new("rd_req", stats.rd_req);
        map.push_new("rd_bytes", stats.rd_bytes);
        map.push_new("wr_req", stats.wr_req);
        map.push_new("wr_bytes", stats.wr_bytes);
        map.push_new("errs", stats.errs);
        Ok(map)
    }

    /// What a network interface has received and sent.
    pub fn interface_stats(&self, path: &CStr) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut stats: sys::virDomainInterfaceStatsStruct = unsafe { std::mem::zeroed() };
        let size = size_of_val(&stats);
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainInterfaceStats(self.raw(), path.as_ptr(), &mut stats, size) };
        call::done(returned, c"virDomainInterfaceStats")?;
        let mut map = Map::with_capacity(8);
        map.push_new("rx_bytes", stats.rx_bytes);
        map.push_new("rx_packets", stats.rx_packets);
        map.push_new("rx_errs", stats.rx_errs);
        map.push_new("rx_drop", stats.rx_drop);
        map.push_new("tx_bytes", stats.tx_bytes);
        map.push_new("tx_packets", stats.tx_packets);
        map.push_new("tx_errs", stats.tx_errs);
        map.push_new("tx_drop", stats.tx_drop);
        Ok(map)
    }

    /// How the guest uses its memory; sizes in KiB.
    pub fn memory_stats(&self, flags: c_uint) -> Result<Map> {
        let mut stats = [sys::virDomainMemoryStatStruct { tag: 0, val: 0 }; MEMORY_STATS.len()];
        let (array, len) = (stats.as_mut_ptr(), stats.len() as c_uint);
        // SAFETY: the pointer is live; the array has room for `len`.
        let returned = unsafe { sys::virDomainMemoryStats(self.raw(), array, len, flags) };
        let count = call::number(returned, c"virDomainMemoryStats")? as usize;
        let mut map = Map::with_capacity(count);
        for stat in stats.iter().take(count) {
            if let Some(name) = MEMORY_STATS.get(stat.tag as usize) {
                map.insert(*name, stat.val);
            }
        }
        Ok(map)
    }

    /// The sizes of a disk, in bytes.
    pub fn get_block_info(&self, dev: &CStr, flags: c_uint) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainBlockInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainGetBlockInfo(self.raw(), dev.as_ptr(), &mut info, flags) };
        call::done(returned, c"virDomainGetBlockInfo")?;
        let mut map = Map::with_capacity(3);
        map.push_new("capacity", info.capacity);
        map.push_new("allocation", info.allocation);
        map.push_new("physical", info.physical);
        Ok(map)
    }

    /// The I/O limits of a disk.
    pub fn get_block_iotune(&self, disk: &CStr, flags: c_uint) -> Result<Map> {
        self.block_iotune(disk, flags).map(|params| params.to_map())
    }

    fn block_iotune(&self, disk: &CStr, flags: c_uint) -> Result<TypedParams> {
        TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned = unsafe {
                sys::virDomainGetBlockIoTune(self.raw(), disk.as_ptr(), array, len, flags)
            };
            call::done(returned, c"virDomainGetBlockIoTune")
        })
    }

    /// Sets those that `settings` names.
    pub fn set_block_iotune(&self, disk: &CStr, settings: &Map, flags: c_uint) -> Result<()> {
        let known = self.block_iotune(disk, 0)?;
        let params = TypedParams::from_map(settings, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned =
            unsafe { sys::virDomainSetBlockIoTune(self.raw(), disk.as_ptr(), array, len, flags) };
        call::done(returned, c"virDomainSetBlockIoTune")
    }

    /// The bandwidth limits of a network interface.
    pub fn get_interface_parameters(&self, intf: &CStr, flags: c_uint) -> Result<Map> {
        self.interface_parameters(intf, flags).map(|params| params.to_map())
    }

    fn interface_parameters(&self, intf: &CStr, flags: c_uint) -> Result<TypedParams> {
        TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned = unsafe {
                sys::virDomainGetInterfaceParameters(self.raw(), intf.as_ptr(), array, len, flags)
            };
            call::done(returned, c"virDomainGetInterfaceParameters")
        })
    }

    /// Sets those that `settings` names.
    pub fn set_interface_parameters(
        &self,
        intf: &CStr,
        settings: &Map,
        flags: c_uint,
    ) -> Result<()> {
        let known = self.interface_parameters(intf, 0)?;
        let params = TypedParams::from_map(settings, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe {
            sys::virDomainSetInterfaceParameters(self.raw(), intf.as_ptr(), array, len, flags)
        };
        call::done(returned, c"virDomainSetInterfaceParameters")
    }

    /// The weights and limits of the disk I/O.
    pub fn get_blkio_parameters(&self, flags: c_uint) -> Result<Map> {
        self.blkio_parameters(flags).map(|params| params.to_map())
    }

    fn blkio_parameters(&self, flags: c_uint) -> Result<TypedParams> {
        TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virDomainGetBlkioParameters(self.raw(), array, len, flags) };
            call::done(returned, c"virDomainGetBlkioParameters")
        })
    }

    /// Sets those that `settings` names.
    pub fn set_blkio_parameters(&self, settings: &Map, flags: c_uint) -> Result<()> {
        let known = self.blkio_parameters(0)?;
        let params = TypedParams::from_map(settings, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virDomainSetBlkioParameters(self.raw(), array, len, flags) };
        call::done(returned, c"virDomainSetBlkioParameters")
    }

    /// The NUMA policy.
    pub fn get_numa_parameters(&self, flags: c_uint) -> Result<Map> {
        self.numa_parameters(flags).map(|params| params.to_map())
    }

    fn numa_parameters(&self, flags: c_uint) -> Result<TypedParams> {
        TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virDomainGetNumaParameters(self.raw(), array, len, flags) };
            call::done(returned, c"virDomainGetNumaParameters")
        })
    }

    /// Sets those that `settings` names.
    pub fn set_numa_parameters(&self, settings: &Map, flags: c_uint) -> Result<()> {
        let known = self.numa_parameters(0)?;
        let params = TypedParams::from_map(settings, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virDomainSetNumaParameters(self.raw(), array, len, flags) };
        call::done(returned, c"virDomainSetNumaParameters")
    }

    /// Which performance events are counted.
    pub fn get_perf_events(&self, flags: c_uint) -> Result<Map> {
        self.perf_events(flags).map(|params| params.to_map())
    }

    fn perf_events(&self, flags: c_uint) -> Result<TypedParams> {
        let (mut array, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the pointer is live; on success the array is ours.
        unsafe {
            let returned = sys::virDomainGetPerfEvents(self.raw(), &mut array, &mut len, flags);
            call::done(returned, c"virDomainGetPerfEvents")?;
            Ok(TypedParams::adopt(array, len))
        }
    }

    /// Sets those that `settings` names.
    pub fn set_perf_events(&self, settings: &Map, flags: c_uint) -> Result<()> {
        let known = self.perf_events(0)?;
        let params = TypedParams::from_map(settings, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virDomainSetPerfEvents(self.raw(), array, len, flags) };
        call::done(returned, c"virDomainSetPerfEvents")
    }

    /// The CPU time used, in ns: on each of `count` CPUs of the host (0: all) from
    /// `start` on, or on all together when `start` is -1.
    pub fn get_cpu_stats(&self, start: c_int, count: c_uint, flags: c_uint) -> Result<Vec<Map>> {
        const LIMIT: c_uint = 1 << 16;
        let ask = |array: *mut sys::virTypedParameter, per_cpu: c_int, start, count| {
            // SAFETY: the array is NULL or has room for `per_cpu` times `count`.
            let returned = unsafe {
                sys::virDomainGetCPUStats(self.raw(), array, per_cpu as c_uint, start, count, flags)
            };
            call::number(returned, c"virDomainGetCPUStats")
        };
        let count = match count {
            0 if start >= 0 => {
                ask(ptr::null_mut(), 0, 0, 0)?.saturating_sub(start).max(0) as c_uint
            }
            0 => 1,
            _ => count,
        };
        if count > LIMIT {
            let reason = format!("is {count}; a number of CPUs up to {LIMIT} is needed");
            return Err(Misuse::Invalid { parameter: "ncpus", reason }.into());
        }
        let per_cpu = ask(ptr::null_mut(), 0, start, 1)?;
        let mut filled = 0;
        let all = TypedParams::fill(per_cpu.saturating_mul(count as c_int), |array, _len| {
            filled = ask(array, per_cpu, start, count)?;
            Ok(())
        })?;
        let cpus = all.as_slice().chunks(per_cpu.max(1) as usize);
        let known = cpus.map(|cpu| &cpu[..cpu.len().min(filled as usize)]);
        // Of CPUs that there are not, nothing is filled in.
        let known = known.filter(|cpu| cpu.first().is_some_and(|param| param.type_ != 0));
        Ok(known.map(typed_params::to_map).collect())
    }

    /// The disks on which reading or writing has failed.
    pub fn get_disk_errors(&self, flags: c_uint) -> Result<Vec<Map>> {
        let ask = |array, len: usize| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virDomainGetDiskErrors(self.raw(), array, len as c_uint, flags) };
            call::number(returned, c"virDomainGetDiskErrors").map(|count| count as usize)
        };
        let empty = sys::virDomainDiskError { disk: ptr::null_mut(), error: 0 };
        let mut errors = vec![empty; ask(ptr::null_mut(), 0)?];
        let count = if errors.is_empty() { 0 } else { ask(errors.as_mut_ptr(), errors.len())? };
        let mut maps = Vec::with_capacity(count);
        for error in errors.iter().take(count) {
            // SAFETY: the name is new and ours.
            let disk = ptr::NonNull::new(error.disk).map(|disk| unsafe { Text::adopt(disk) });
            let mut map = Map::with_capacity(2);
            map.push_new("path", disk.map(|disk| disk.to_string_lossy().into_owned()));
            map.push_new("error", error.error);
            maps.push(map);
        }
        Ok(maps)
    }

    /// How far it is with what takes long; times in ms, sizes in bytes.
    pub fn get_job_info(&self) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainJobInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virDomainGetJobInfo(self.raw(), &mut info) };
        call::done(returned, c"virDomainGetJobInfo")?;
        let mut map = Map::with_capacity(12);
        map.push_new("type", info.type_);
        map.push_new("timeElapsed", info.timeElapsed);
        map.push_new("timeRemaining", info.timeRemaining);
        map.push_new("dataTotal", info.dataTotal);
        map.push_new("dataProcessed", info.dataProcessed);
        map.push_new("dataRemaining", info.dataRemaining);
        map.push_new("memTotal", info.memTotal);
        map.push_new("memProcessed", info.memProcessed);
        map.push_new("memRemaining", info.memRemaining);
        map.push_new("fileTotal", info.fileTotal);
        map.push_new("fileProcessed", info.fileProcessed);
        map.push_new("fileRemaining", info.fileRemaining);
        Ok(map)
    }

    /// The kind of what takes long, and all that the driver knows about it.
    pub fn get_job_stats(&self, flags: c_uint) -> Result<(c_int, Map)> {
        let (mut kind, mut array, mut len) = (0, ptr::null_mut(), 0);
        // SAFETY: the pointer is live; on success the array is ours.
        let stats = unsafe {
            let returned =
                sys::virDomainGetJobStats(self.raw(), &mut kind, &mut array, &mut len, flags);
            call::done(returned, c"virDomainGetJobStats")?;
            TypedParams::adopt(array, len)
        };
        Ok((kind, stats.to_map()))
    }

    /// Ends what takes long.
    pub fn abort_job(&self, flags: c_uint) -> Result<()> {
        match flags {
            0 => {
                // SAFETY: the pointer is live.
                call::done(unsafe { sys::virDomainAbortJob(self.raw()) }, c"virDomainAbortJob")
            }
            _ => {
                let abort_job = ABORT_JOB_FLAGS.get()?;
                // SAFETY: the pointer is live.
                call::done(unsafe { abort_job(self.raw(), flags) }, c"virDomainAbortJobFlags")
            }
        }
    }
}

/// Requests have other names here than in libvirt, as in Sys::Virt.
fn renamed(stats: Map) -> Map {
    let mut map = Map::with_capacity(stats.len());
    for (name, value) in stats.iter() {
        let value: Value = value.clone();
        match name {
            "rd_operations" => map.insert("rd_req", value),
            "wr_operations" => map.insert("wr_req", value),
            "flush_operations" => map.insert("flush_reqs", value),
            _ => map.insert(name.to_owned(), value),
        };
    }
    map
}
