//! A domain's virtual CPUs: what they do, and on which CPUs of the host.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Gets what each virtual CPU of the domain does, and on which CPUs of the host it
/// may run.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `vcpus` (list): a list with a map for each virtual CPU: `number`, `state` (one of
///   `VKVM_DOMAIN_VCPU_OFFLINE`, `VKVM_DOMAIN_VCPU_RUNNING`, `VKVM_DOMAIN_VCPU_BLOCKED`),
///   `cpuTime` (ns), `cpu` (the CPU of the host that it is on, or one of
///   `VKVM_DOMAIN_VCPU_INFO_CPU_*`), `affinity` (bytes with a bit for each of the host's CPUs,
///   bit 0 of the first byte for CPU 0). With flags, and when the domain does not run, state,
///   cpuTime and cpu are 0
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

/// Lets a virtual CPU of the domain run on some of the host's CPUs only.
///
/// - `vcpu`: the number of the virtual CPU
/// - `mask`: a bit for each of the host's CPUs, bit 0 of the first byte for CPU 0
/// - `mask_len`: how many bytes it has; CPUs beyond them are not in it
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets on which of the host's CPUs the emulator's own threads may run, which are those
/// that are no virtual CPU and no I/O thread.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `mask`: a bit for each of the host's CPUs, bit 0 of the first byte for CPU 0
/// - `mask_len`: how many bytes it has
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

/// Lets the emulator's own threads run on some of the host's CPUs only.
///
/// - `mask`: a bit for each of the host's CPUs, bit 0 of the first byte for CPU 0
/// - `mask_len`: how many bytes it has; CPUs beyond them are not in it
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Plugs virtual CPUs in, or pulls them out, by their numbers. Hypervisors may want one
/// call for each that can be plugged by itself.
///
/// - `cpumap`: the numbers, like `0-2,5`; all of those that are only plugged together
/// - `state`: 1 to plug in, 0 to pull out
/// - `flags` (default 0, enum domain_set_vcpu_flags)
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

/// Asks the guest's agent which virtual CPUs the guest has.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with lists of numbers, like `0-2,5`, as text: `vcpus` are all that the
///   guest has, `online` those that it uses, `offlinable` those that it can do without
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

/// Lets the guest's agent take virtual CPUs into use, or out of use. Guests may want one
/// call for each.
///
/// - `cpumap`: the numbers, like `0-2,5`
/// - `state`: 1 to use them, 0 to not use them
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
