// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's virtual CPUs: what they do, and on which CPUs of the host.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::typed_params::TypedParams;
use crate::error::{Misuse, Result};
use crate::memory;
use crate::value::{Map, Value};

/// A map of CPUs for libvirt, which takes it from memory that it may change, and
/// its length in bytes.
pub(super) fn cpu_map(mask: &[u8]) -> Result<(Vec<u8>, c_int)> {
    let len = c_int::try_from(mask.len()).map_err(|_| Misuse::TooLarge {
        parameter: "mask",
        what: "the number of bytes",
        actual: mask.len() as u64,
        limit: c_int::MAX as u64,
    })?;
    Ok((memory::bytes(mask, "mask")?, len))
}

impl Domain {
    /// What each virtual CPU does, and where it may run: number, state, CPU time in
    /// ns, CPU of the host, affinity. With `flags`, and when the domain is off, only
    /// numbers and affinities are known, and the rest is 0.
    pub fn get_vcpu_info(&self, flags: c_uint) -> Result<Vec<Map>> {
        if flags == 0 {
            match self.running_vcpus() {
                Err(error) if error.details().code == sys::VIR_ERR_OPERATION_INVALID as i32 => {}
                answer => return answer,
            }
        }
        let (count, len) = (self.vcpu_count()?, self.cpu_map_len()?);
        let mut maps = vec![0; count * len];
        // SAFETY: the pointer is live. There is room for `count` maps of `len` bytes.
        let returned = unsafe {
            let (count, len) = (count as c_int, len as c_int);
            sys::virDomainGetVcpuPinInfo(self.raw(), count, maps.as_mut_ptr(), len, flags)
        };
        let count = call::number(returned, c"virDomainGetVcpuPinInfo")? as usize;
        let unknown = |number| sys::virVcpuInfo { number, state: 0, cpuTime: 0, cpu: 0 };
        let infos = (0..count as c_uint).map(unknown);
        Ok(infos.zip(maps.chunks(len)).map(|(info, map)| vcpu_map(&info, map)).collect())
    }

    fn running_vcpus(&self) -> Result<Vec<Map>> {
        let (count, len) = (self.vcpu_count()?, self.cpu_map_len()?);
        let mut infos = vec![sys::virVcpuInfo { number: 0, state: 0, cpuTime: 0, cpu: 0 }; count];
        let mut maps = vec![0; count * len];
        // SAFETY: the pointer is live; there is room for `count` infos and maps of `len` bytes.
        let returned = unsafe {
            let (infos, maps) = (infos.as_mut_ptr(), maps.as_mut_ptr());
            sys::virDomainGetVcpus(self.raw(), infos, count as c_int, maps, len as c_int)
        };
        let count = call::number(returned, c"virDomainGetVcpus")? as usize;
        let known = infos.iter().take(count);
        Ok(known.zip(maps.chunks(len)).map(|(info, map)| vcpu_map(info, map)).collect())
    }

    /// How many virtual CPUs it has: at most 65,535, by its type.
    fn vcpu_count(&self) -> Result<usize> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virDomainGetInfo(self.raw(), &mut info) };
        call::done(returned, c"virDomainGetInfo")?;
        Ok(info.nrVirtCpu.into())
    }

    /// How many bytes a map of the host's CPUs has, at least one.
    fn cpu_map_len(&self) -> Result<usize> {
        /// More CPUs than any host has, so that a wrong answer cannot take all memory.
        const MOST: u32 = 1 << 20;
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virNodeInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the domain's connection is live while the domain is.
        let returned =
            unsafe { sys::virNodeGetInfo(sys::virDomainGetConnect(self.raw()), &mut info) };
        call::done(returned, c"virNodeGetInfo")?;
        let cpus = [info.sockets, info.cores, info.threads]
            .iter()
            .fold(info.nodes, |cpus, each| cpus.saturating_mul(*each));
        Ok(cpus.clamp(1, MOST).div_ceil(8) as usize)
    }

    /// Lets a virtual CPU run on some of the host's CPUs only.
    pub fn pin_vcpu(&self, vcpu: c_uint, mask: &[u8], flags: c_uint) -> Result<()> {
        let (mut mask, len) = cpu_map(mask)?;
        let mask = mask.as_mut_ptr();
        // SAFETY: the pointer is live; the map has `len` bytes.
        unsafe {
            match flags {
                0 => {
                    let returned = sys::virDomainPinVcpu(self.raw(), vcpu, mask, len);
                    call::done(returned, c"virDomainPinVcpu")
                }
                _ => {
                    let returned = sys::virDomainPinVcpuFlags(self.raw(), vcpu, mask, len, flags);
                    call::done(returned, c"virDomainPinVcpuFlags")
                }
            }
        }
    }

    /// The CPUs of the host on which the emulator's own threads may run.
    pub fn get_emulator_pin_info(&self, flags: c_uint) -> Result<Vec<u8>> {
        let len = self.cpu_map_len()?;
        let mut map = vec![0; len];
        // SAFETY: the pointer is live; the map has `len` bytes.
        let returned = unsafe {
            sys::virDomainGetEmulatorPinInfo(self.raw(), map.as_mut_ptr(), len as c_int, flags)
        };
        call::done(returned, c"virDomainGetEmulatorPinInfo")?;
        Ok(map)
    }

    /// Lets the emulator's own threads run on some of the host's CPUs only.
    pub fn pin_emulator(&self, mask: &[u8], flags: c_uint) -> Result<()> {
        let (mut mask, len) = cpu_map(mask)?;
        // SAFETY: the pointer is live; the map has `len` bytes.
        let returned =
            unsafe { sys::virDomainPinEmulator(self.raw(), mask.as_mut_ptr(), len, flags) };
        call::done(returned, c"virDomainPinEmulator")
    }

    /// Plugs virtual CPUs in or out, by their numbers.
    pub fn set_vcpu(&self, cpumap: &CStr, state: c_int, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { sys::virDomainSetVcpu(self.raw(), cpumap.as_ptr(), state, flags) };
        call::done(returned, c"virDomainSetVcpu")
    }

    /// Which virtual CPUs the guest has, uses, and can do without.
    pub fn get_guest_vcpus(&self, flags: c_uint) -> Result<Map> {
        let (mut array, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the pointer is live; on success the array is ours.
        let vcpus = unsafe {
            let returned = sys::virDomainGetGuestVcpus(self.raw(), &mut array, &mut len, flags);
            call::done(returned, c"virDomainGetGuestVcpus")?;
            TypedParams::adopt(array, len as c_int)
        };
        Ok(vcpus.to_map())
    }

    /// Lets the guest use virtual CPUs, or not.
    pub fn set_guest_vcpus(&self, cpumap: &CStr, state: c_int, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { sys::virDomainSetGuestVcpus(self.raw(), cpumap.as_ptr(), state, flags) };
        call::done(returned, c"virDomainSetGuestVcpus")
    }
}

fn vcpu_map(info: &sys::virVcpuInfo, affinity: &[u8]) -> Map {
    let mut map = Map::with_capacity(5);
    map.push_new("number", info.number);
    map.push_new("state", info.state);
    map.push_new("cpuTime", info.cpuTime);
    map.push_new("cpu", info.cpu);
    map.push_new("affinity", Value::Bytes(affinity.to_vec()));
    map
}
