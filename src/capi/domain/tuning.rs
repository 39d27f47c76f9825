// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's memory, virtual CPUs and scheduling.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Returns the maximum memory of the domain.
///
/// - `memory` (unit KiB): the maximum
///
/// libvirt: virDomainGetMaxMemory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_max_memory(
    dom: *mut vkvm_domain,
    memory: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(memory, "memory")?;
        out.set(c.get(dom, "dom")?.get_max_memory()?);
        Ok(())
    })
}

/// Sets the maximum memory of the domain.
///
/// The driver decides whether that changes the live or the persistent configuration;
/// `vkvm_domain_set_memory` with `VKVM_DOMAIN_MEM_MAXIMUM` gives control.
///
/// - `val` (unit KiB): the maximum
///
/// libvirt: virDomainSetMaxMemory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_max_memory(
    dom: *mut vkvm_domain,
    val: u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_max_memory(val))
}

/// Sets the memory of the domain.
///
/// The memory of a running domain is changed through the guest's balloon driver, and cannot
/// exceed its maximum.
///
/// - `val` (unit KiB): the memory
/// - `flags` (default 0, enum domain_memory_flags): configuration to change, and whether the
///   maximum is meant; 0 means the current state
///
/// libvirt: virDomainSetMemory, virDomainSetMemoryFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_memory(
    dom: *mut vkvm_domain,
    val: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_memory(val, flags))
}

/// Returns the maximum number of virtual CPUs of the domain.
///
/// For an inactive domain it may be the hypervisor's maximum, as `vkvm_conn_get_max_vcpus`
/// returns it.
///
/// - `count`: the maximum
///
/// libvirt: virDomainGetMaxVcpus
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_max_vcpus(
    dom: *mut vkvm_domain,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(dom, "dom")?.get_max_vcpus()?);
        Ok(())
    })
}

/// Returns the number of virtual CPUs of the domain.
///
/// - `flags` (default 0, enum domain_vcpu_flags): configuration to query, and whether the
///   maximum or the guest's own count is meant; 0 means the current state
/// - `count`: number of virtual CPUs
///
/// libvirt: virDomainGetVcpusFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_vcpus(
    dom: *mut vkvm_domain,
    flags: u32,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(dom, "dom")?.get_vcpus(flags)?);
        Ok(())
    })
}

/// Sets the number of virtual CPUs of the domain.
///
/// Hotplug needs the guest's cooperation: a guest that is still booting may miss the change.
///
/// - `num`: number of virtual CPUs, at least 1 and at most the domain's maximum
/// - `flags` (default 0, enum domain_vcpu_flags): configuration to change, and whether the
///   maximum or the guest's own count is meant; 0 means the current state
///
/// libvirt: virDomainSetVcpus, virDomainSetVcpusFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_vcpus(
    dom: *mut vkvm_domain,
    num: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_vcpus(num, flags))
}

/// Returns the memory limits of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `params` (map): a map with the texts of `VKVM_DOMAIN_MEMORY_*` as keys, in KiB;
///   `VKVM_DOMAIN_MEMORY_PARAM_UNLIMITED` means unlimited
///
/// libvirt: virDomainGetMemoryParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_memory_parameters(
    dom: *mut vkvm_domain,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(dom, "dom")?.get_memory_parameters(flags)?)
    })
}

/// Sets memory limits of the domain.
///
/// - `newparams` (map): a map with the limits to set, from 0 to
///   `VKVM_DOMAIN_MEMORY_PARAM_UNLIMITED`, with keys as in `vkvm_domain_get_memory_parameters`;
///   a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetMemoryParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_memory_parameters(
    dom: *mut vkvm_domain,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_memory_parameters(&params, flags)
    })
}

/// Returns the name of the domain's CPU scheduler.
///
/// - `type`: the name, such as `posix` for QEMU
///
/// libvirt: virDomainGetSchedulerType
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_scheduler_type(
    dom: *mut vkvm_domain,
    r#type: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(r#type, "type")?;
        out.set(c.get(dom, "dom")?.get_scheduler_type()?);
        Ok(())
    })
}

/// Returns the CPU scheduler parameters of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `params` (map): a map with the texts of `VKVM_DOMAIN_SCHEDULER_*` as keys; which there are
///   depends on the driver
///
/// libvirt: virDomainGetSchedulerParameters, virDomainGetSchedulerParametersFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_scheduler_parameters(
    dom: *mut vkvm_domain,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(dom, "dom")?.get_scheduler_parameters(flags)?)
    })
}

/// Sets CPU scheduler parameters of the domain.
///
/// - `newparams` (map): a map with the values to set, with keys as in
///   `vkvm_domain_get_scheduler_parameters`; a key that the driver does not support is an error
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetSchedulerParameters, virDomainSetSchedulerParametersFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_scheduler_parameters(
    dom: *mut vkvm_domain,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_scheduler_parameters(&params, flags)
    })
}
