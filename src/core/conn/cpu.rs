// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's CPUs, and which CPUs guests can have.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::{self, NonNull};

use virt::sys;

use super::{Conn, locate};
use crate::core::{Text, call};
use crate::error::Result;

/// Which emulator a question is about; the hypervisor chooses what is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emulator<'a> {
    /// The program's path.
    pub path: Option<&'a CStr>,
    /// The architecture of the guest.
    pub arch: Option<&'a CStr>,
    /// The type of the guest's machine.
    pub machine: Option<&'a CStr>,
    /// The kind of virtualisation.
    pub virttype: Option<&'a CStr>,
}

impl Emulator<'_> {
    fn raw(&self) -> [*const c_char; 4] {
        [self.path, self.arch, self.machine, self.virttype]
            .map(|text| text.map_or(ptr::null(), CStr::as_ptr))
    }
}

impl Conn {
    /// The most virtual CPUs that a domain of a type can have; without a type, of the
    /// hypervisor's own.
    pub fn get_max_vcpus(&self, kind: Option<&CStr>) -> Result<c_int> {
        let kind = kind.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the pointer is live. libvirt takes NULL for the type.
        let returned = unsafe { sys::virConnectGetMaxVcpus(self.raw(), kind) };
        call::number(returned, c"virConnectGetMaxVcpus")
    }

    /// How many CPUs the host has, which are online (bit 0 of the first byte is
    /// CPU 0), and how many these are.
    pub fn get_node_cpu_map(&self, flags: c_uint) -> Result<(c_int, Vec<u8>, c_uint)> {
        let mut map = ptr::null_mut();
        let mut online = 0;
        // SAFETY: the pointer is live; on success the map is an array from malloc with a bit
        // for each CPU, which is copied and freed.
        unsafe {
            let returned = sys::virNodeGetCPUMap(self.raw(), &mut map, &mut online, flags);
            let total = call::number(returned, c"virNodeGetCPUMap")?;
            let bytes = match NonNull::new(map) {
                Some(map) => {
                    std::slice::from_raw_parts(map.as_ptr(), (total as usize).div_ceil(8)).to_vec()
                }
                None => Vec::new(),
            };
            libc::free(map.cast::<c_void>());
            Ok((total, bytes, online))
        }
    }

    /// How the host's CPU compares to a described one.
    pub fn compare_cpu(&self, xml: &CStr, flags: c_uint) -> Result<c_int> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { sys::virConnectCompareCPU(self.raw(), xml.as_ptr(), flags) };
        call::number(returned, c"virConnectCompareCPU").map_err(|error| locate(error, "xml", xml))
    }

    /// How the CPU that an emulator can provide compares to a described one.
    pub fn compare_hypervisor_cpu(
        &self,
        emulator: Emulator<'_>,
        xml: &CStr,
        flags: c_uint,
    ) -> Result<c_int> {
        let [path, arch, machine, virttype] = emulator.raw();
        // SAFETY: the pointer is live; libvirt takes NULL for what is missing.
        let returned = unsafe {
            let conn = self.raw();
            let xml = xml.as_ptr();
            sys::virConnectCompareHypervisorCPU(conn, path, arch, machine, virttype, xml, flags)
        };
        call::number(returned, c"virConnectCompareHypervisorCPU")
            .map_err(|error| locate(error, "xml", xml))
    }

    /// The most capable CPU that all the described hosts have.
    pub fn baseline_cpu(&self, xml: &[&CStr], flags: c_uint) -> Result<Text> {
        let (mut xml, len) = pointers(xml);
        // SAFETY: the pointer is live; there are `len` texts. The new text is ours.
        unsafe {
            let returned = sys::virConnectBaselineCPU(self.raw(), xml.as_mut_ptr(), len, flags);
            call::text(returned, c"virConnectBaselineCPU")
        }
    }

    /// The most capable CPU that an emulator can provide on all the described hosts.
    pub fn baseline_hypervisor_cpu(
        &self,
        emulator: Emulator<'_>,
        xml: &[&CStr],
        flags: c_uint,
    ) -> Result<Text> {
        let [path, arch, machine, virttype] = emulator.raw();
        let (mut xml, len) = pointers(xml);
        // SAFETY: the pointer is live; libvirt takes NULL for what is missing.
        unsafe {
            let returned = sys::virConnectBaselineHypervisorCPU(
                self.raw(),
                path,
                arch,
                machine,
                virttype,
                xml.as_mut_ptr(),
                len,
                flags,
            );
            call::text(returned, c"virConnectBaselineHypervisorCPU")
        }
    }

    /// The names of CPU models that the hypervisor knows for an architecture.
    pub fn get_cpu_model_names(&self, arch: &CStr, flags: c_uint) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the array and its texts are new and ours.
        let names = unsafe {
            call::objects(
                c"virConnectGetCPUModelNames",
                |array| sys::virConnectGetCPUModelNames(self.raw(), arch.as_ptr(), array, flags),
                |raw| adopt_text(raw),
            )?
        };
        Ok(names.into_iter().flatten().collect())
    }

    /// What domains can have with an emulator, as XML.
    pub fn get_domain_capabilities(&self, emulator: Emulator<'_>, flags: c_uint) -> Result<Text> {
        let [path, arch, machine, virttype] = emulator.raw();
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe {
            let conn = self.raw();
            let returned =
                sys::virConnectGetDomainCapabilities(conn, path, arch, machine, virttype, flags);
            call::text(returned, c"virConnectGetDomainCapabilities")
        }
    }
}

/// An array of texts for libvirt, and its length.
fn pointers(texts: &[&CStr]) -> (Vec<*const c_char>, c_uint) {
    let pointers: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
    let len = c_uint::try_from(pointers.len()).unwrap_or(c_uint::MAX);
    (pointers, len)
}

/// # Safety
/// `text` is NULL or a C string from malloc that nobody else frees.
unsafe fn adopt_text(text: *mut c_char) -> Option<Text> {
    // SAFETY: as promised by the caller.
    NonNull::new(text).map(|text| unsafe { Text::adopt(text) })
}
