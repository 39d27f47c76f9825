// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's I/O threads, which serve disks beside the virtual CPUs.

use std::ffi::c_uint;
use std::ptr;

use virt::sys;

use super::vcpus::cpu_map;
use super::{Domain, call};
use crate::core::typed_params::TypedParams;
use crate::error::Result;
use crate::value::{Map, Value};

/// What `set_iothread` can set.
const SETTINGS: [(&str, u32); 6] = [
    ("poll_max_ns", sys::VIR_TYPED_PARAM_ULLONG),
    ("poll_grow", sys::VIR_TYPED_PARAM_UINT),
    ("poll_shrink", sys::VIR_TYPED_PARAM_UINT),
    ("poll_weight", sys::VIR_TYPED_PARAM_UINT),
    ("thread_pool_min", sys::VIR_TYPED_PARAM_INT),
    ("thread_pool_max", sys::VIR_TYPED_PARAM_INT),
];

impl Domain {
    /// The I/O threads' numbers, and on which CPUs of the host they may run.
    pub fn get_iothread_info(&self, flags: c_uint) -> Result<Vec<Map>> {
        let mut infos = ptr::null_mut();
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainGetIOThreadInfo(self.raw(), &mut infos, flags) };
        let count = call::number(returned, c"virDomainGetIOThreadInfo")? as usize;
        // SAFETY: as many infos as returned; each, and the array, is ours to free.
        unsafe {
            let maps = (0..count).map(|i| {
                let info = *infos.add(i);
                let map = iothread_map(&*info);
                sys::virDomainIOThreadInfoFree(info);
                map
            });
            let maps = maps.collect();
            libc::free(infos.cast());
            Ok(maps)
        }
    }

    /// Adds an I/O thread.
    pub fn add_iothread(&self, id: c_uint, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainAddIOThread(self.raw(), id, flags) };
        call::done(returned, c"virDomainAddIOThread")
    }

    /// Removes an I/O thread.
    pub fn del_iothread(&self, id: c_uint, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainDelIOThread(self.raw(), id, flags) };
        call::done(returned, c"virDomainDelIOThread")
    }

    /// Lets an I/O thread run on some of the host's CPUs only.
    pub fn pin_iothread(&self, id: c_uint, mask: &[u8], flags: c_uint) -> Result<()> {
        let (mut mask, len) = cpu_map(mask)?;
        // SAFETY: the pointer is live; the map has `len` bytes.
        let returned =
            unsafe { sys::virDomainPinIOThread(self.raw(), id, mask.as_mut_ptr(), len, flags) };
        call::done(returned, c"virDomainPinIOThread")
    }

    /// Sets how an I/O thread waits for work, and how many helpers it has.
    pub fn set_iothread(&self, id: c_uint, settings: &Map, flags: c_uint) -> Result<()> {
        let params = TypedParams::from_table(settings, &SETTINGS, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned =
            unsafe { sys::virDomainSetIOThreadParams(self.raw(), id, array, len, flags) };
        call::done(returned, c"virDomainSetIOThreadParams")
    }
}

/// # Safety
/// The map in `info` is NULL or has as many bytes as it says.
unsafe fn iothread_map(info: &sys::virDomainIOThreadInfo) -> Map {
    let affinity = if info.cpumap.is_null() || info.cpumaplen <= 0 {
        Vec::new()
    } else {
        // SAFETY: as promised by the caller.
        unsafe { std::slice::from_raw_parts(info.cpumap, info.cpumaplen as usize) }.to_vec()
    };
    let mut map = Map::with_capacity(2);
    map.push_new("number", info.iothread_id);
    map.push_new("affinity", Value::Bytes(affinity));
    map
}
