// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's virtual CPUs: what they do, and on which CPUs of the host.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Returns the state, CPU time and CPU affinity of each virtual CPU.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `vcpus` (list): a list with a map for each virtual CPU: `number`, `state` (one of
///   `VKVM_DOMAIN_VCPU_OFFLINE`, `VKVM_DOMAIN_VCPU_RUNNING`, `VKVM_DOMAIN_VCPU_BLOCKED`),
///   `cpuTime` (ns), `cpu` (host CPU that it runs on, or one of `VKVM_DOMAIN_VCPU_INFO_CPU_*`),
///   `affinity` (bytes with a bit for each host CPU, bit 0 of the first byte for CPU 0). With
///   flags, and when the domain is inactive, `state`, `cpuTime` and `cpu` are 0
///
/// libvirt: virDomainGetVcpus, virDomainGetVcpuPinInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_vcpu_info(
    dom: *mut vkvm_domain,
    flags: u32,
    vcpus: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(vcpus, "vcpus")?;
        let list = c.get(dom, "dom")?.get_vcpu_info(flags)?;
        out.set_value(list.into_iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// Sets the CPU affinity of a virtual CPU: the host CPUs on which it may run.
///
/// - `vcpu`: number of the virtual CPU
/// - `mask`: a bit for each host CPU, bit 0 of the first byte for CPU 0
/// - `mask_len`: number of bytes; CPUs beyond them are excluded
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainPinVcpu, virDomainPinVcpuFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_pin_vcpu(
    dom: *mut vkvm_domain,
    vcpu: u32,
    mask: *const c_void,
    mask_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.pin_vcpu(vcpu, c.bytes(mask, mask_len, "mask")?, flags))
}

/// Returns the CPU affinity of the domain's emulator threads.
///
/// Those are the threads of the emulator that run neither a virtual CPU nor an I/O thread.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `mask`: a bit for each host CPU, bit 0 of the first byte for CPU 0
/// - `mask_len`: number of bytes
///
/// libvirt: virDomainGetEmulatorPinInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_emulator_pin_info(
    dom: *mut vkvm_domain,
    flags: u32,
    mask: *mut *mut u8,
    mask_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(mask, mask_len, "mask", "mask_len")?;
        out.set(&c.get(dom, "dom")?.get_emulator_pin_info(flags)?)
    })
}

/// Sets the CPU affinity of the domain's emulator threads.
///
/// - `mask`: a bit for each host CPU, bit 0 of the first byte for CPU 0
/// - `mask_len`: number of bytes; CPUs beyond them are excluded
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainPinEmulator
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_pin_emulator(
    dom: *mut vkvm_domain,
    mask: *const c_void,
    mask_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.pin_emulator(c.bytes(mask, mask_len, "mask")?, flags))
}

/// Plugs or unplugs individual virtual CPUs of the domain.
///
/// Hypervisors may want one call for each unit that can be hotplugged, which on some platforms
/// has several virtual CPUs, and may require virtual CPU 0 to stay.
///
/// - `cpumap`: numbers of the virtual CPUs, such as `0-2,5`; a unit must be complete
/// - `state`: 1 to plug, 0 to unplug
/// - `flags` (default 0, enum domain_set_vcpu_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetVcpu
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_vcpu(
    dom: *mut vkvm_domain,
    cpumap: *const c_char,
    state: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_vcpu(c.text(cpumap, "cpumap")?, state, flags))
}

/// Returns the virtual CPUs as the guest sees them, from the guest agent.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with lists of CPU numbers as text, such as `0-2,5`: `vcpus` (known to
///   the guest), `online` (in use) and `offlinable` (can be taken offline)
///
/// libvirt: virDomainGetGuestVcpus
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_guest_vcpus(
    dom: *mut vkvm_domain,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_guest_vcpus(flags)?)
    })
}

/// Takes virtual CPUs online or offline in the guest, through the guest agent.
///
/// The domain keeps them. Guest agents may want one call for each CPU, and guests may require
/// CPU 0 to stay online.
///
/// - `cpumap`: numbers of the CPUs, such as `0-2,5`, or `0-3,^2` to exclude one
/// - `state`: 1 for online, 0 for offline
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainSetGuestVcpus
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_guest_vcpus(
    dom: *mut vkvm_domain,
    cpumap: *const c_char,
    state: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_guest_vcpus(c.text(cpumap, "cpumap")?, state, flags))
}
