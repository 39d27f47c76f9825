//! A domain's memory, virtual CPUs and scheduling.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Gets the most memory that the domain can have.
///
/// - `memory` (unit KiB): the memory that it may have
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

/// Sets the most memory that the domain can have.
///
/// - `val` (unit KiB): the memory that it may have
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

/// Sets the memory that the domain has.
///
/// - `val` (unit KiB): the memory
/// - `flags` (default 0, enum domain_memory_flags)
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

/// Gets the most virtual CPUs that the domain can have.
///
/// - `count`: how many
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

/// Gets how many virtual CPUs the domain has.
///
/// - `flags` (default 0, enum domain_vcpu_flags)
/// - `count`: how many
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

/// Sets how many virtual CPUs the domain has.
///
/// - `num`: how many
/// - `flags` (default 0, enum domain_vcpu_flags)
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

/// Gets the memory limits of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `params` (map): a map whose keys are the texts of `VKVM_DOMAIN_MEMORY_*`, in KiB;
///   `VKVM_DOMAIN_MEMORY_PARAM_UNLIMITED` for no limit
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
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_memory_parameters` gives
///   them; a key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets the name of the scheduler that runs the domain.
///
/// - `type`: the name
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

/// Gets the scheduler parameters of the domain.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `params` (map): a map whose keys are the texts of `VKVM_DOMAIN_SCHEDULER_*`
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

/// Sets scheduler parameters of the domain.
///
/// - `newparams` (map): a map with those to set, as `vkvm_domain_get_scheduler_parameters` gives
///   them; a key that the driver does not know is an error
/// - `flags` (default 0, enum domain_affect_flags)
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
