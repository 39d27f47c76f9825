//! `vkvm_domain_*`: domains.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::core::Text;

/// Adds a hold on the domain handle.
///
/// Returns the handle, which then needs one more `vkvm_domain_free`, or NULL
/// when it is not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_ref(dom: *mut vkvm_domain) -> *mut vkvm_domain {
    direct(std::ptr::null_mut(), |c| c.retain(dom))
}

/// Gives up a hold on the domain handle. NULL and handles that are not live
/// are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_free(dom: *mut vkvm_domain) {
    void(|c| c.free(dom))
}

/// Frees a list of domains that a function returned, with its handles.
///
/// - `domains` (nullable): the list
/// - `domains_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_list_free(domains: *mut *mut vkvm_domain, domains_len: usize) {
    void(|c| c.free_list(domains, domains_len))
}

/// Gets the name of the domain.
///
/// - `name`: the name
///
/// libvirt: virDomainGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_name(
    dom: *mut vkvm_domain,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(dom, "dom")?.get_name()?));
        Ok(())
    })
}

/// Gets the uuid of the domain as bytes.
///
/// - `uuid`: the 16 raw bytes
/// - `uuid_len`: 16
///
/// libvirt: virDomainGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_uuid(
    dom: *mut vkvm_domain,
    uuid: *mut *mut u8,
    uuid_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(uuid, uuid_len, "uuid", "uuid_len")?;
        out.set(c.get(dom, "dom")?.get_uuid()?.as_bytes());
        Ok(())
    })
}

/// Gets the uuid of the domain as text.
///
/// - `uuid`: lower-case hex digits with hyphens, 36 characters
///
/// libvirt: virDomainGetUUIDString
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_uuid_string(
    dom: *mut vkvm_domain,
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uuid, "uuid")?;
        out.set(Text::copy(c.get(dom, "dom")?.get_uuid_string()?));
        Ok(())
    })
}

/// Gets the id of the domain, which it has while it runs.
///
/// - `id`: the id, or -1 when the domain does not run
///
/// libvirt: virDomainGetID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_id(
    dom: *mut vkvm_domain,
    id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(id, "id")?;
        out.set(c.get(dom, "dom")?.get_id());
        Ok(())
    })
}

/// Gets the state of the domain, and why it is in it.
///
/// - `flags` (default 0): unused, pass 0
/// - `state`: one of `VKVM_DOMAIN_STATE_*` without a second word for the reason
/// - `reason`: one of `VKVM_DOMAIN_STATE_<STATE>_*`, like
///   `VKVM_DOMAIN_STATE_PAUSED_USER`
///
/// libvirt: virDomainGetState
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_state(
    dom: *mut vkvm_domain,
    flags: u32,
    state: *mut c_int,
    reason: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out_state, out_reason) = (c.out(state, "state")?, c.out(reason, "reason")?);
        let (state, reason) = c.get(dom, "dom")?.get_state(flags)?;
        out_state.set(state);
        out_reason.set(reason);
        Ok(())
    })
}

/// Gets state, memory, virtual CPUs and CPU time of the domain.
///
/// - `info`: a map with the keys `state` (one of `VKVM_DOMAIN_STATE_*`), `maxMem`
///   (KiB), `memory` (KiB), `nrVirtCpu`, `cpuTime` (ns used so far)
///
/// libvirt: virDomainGetInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_info(
    dom: *mut vkvm_domain,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_info()?)
    })
}

/// Gets the definition of the domain.
///
/// - `flags` (default 0): of `VKVM_DOMAIN_XML_*`
/// - `xml`: a `<domain>` document
///
/// libvirt: virDomainGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_xml_description(
    dom: *mut vkvm_domain,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(dom, "dom")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Tells whether the domain runs.
///
/// - `active`: whether it does
///
/// libvirt: virDomainIsActive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_is_active(
    dom: *mut vkvm_domain,
    active: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(active, "active")?;
        out.set(c.get(dom, "dom")?.is_active()?);
        Ok(())
    })
}

/// Tells whether the domain stays defined when it stops.
///
/// - `persistent`: whether it does
///
/// libvirt: virDomainIsPersistent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_is_persistent(
    dom: *mut vkvm_domain,
    persistent: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(persistent, "persistent")?;
        out.set(c.get(dom, "dom")?.is_persistent()?);
        Ok(())
    })
}

/// Starts the domain.
///
/// - `flags` (default 0): of `VKVM_DOMAIN_START_*`
///
/// libvirt: virDomainCreate, virDomainCreateWithFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_create(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.create(flags))
}

/// Stops the virtual CPUs of the domain; its memory stays.
///
/// libvirt: virDomainSuspend
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_suspend(
    dom: *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.suspend())
}

/// Lets a suspended domain go on.
///
/// libvirt: virDomainResume
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_resume(
    dom: *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.resume())
}

/// Asks the guest to restart. It may take its time, or refuse.
///
/// - `flags` (default 0): how to ask, of `VKVM_DOMAIN_REBOOT_*`; 0 lets the driver choose
///
/// libvirt: virDomainReboot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_reboot(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.reboot(flags))
}

/// Asks the guest to shut down. It may take its time, or refuse.
///
/// - `flags` (default 0): how to ask, of `VKVM_DOMAIN_SHUTDOWN_*`; 0 lets the driver
///   choose
///
/// libvirt: virDomainShutdown, virDomainShutdownFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_shutdown(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.shutdown(flags))
}

/// Stops the domain at once, as if its plug was pulled.
///
/// The handle stays valid.
///
/// - `flags` (default 0): of `VKVM_DOMAIN_DESTROY_*`
///
/// libvirt: virDomainDestroy, virDomainDestroyFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_destroy(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.destroy(flags))
}

/// Forgets the definition of the domain. One that runs becomes transient.
///
/// - `flags` (default 0): what to forget with it, of `VKVM_DOMAIN_UNDEFINE_*`
///
/// libvirt: virDomainUndefine, virDomainUndefineFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_undefine(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.undefine(flags))
}

/// Tells whether the domain starts with the host.
///
/// - `autostart`: whether it does
///
/// libvirt: virDomainGetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_autostart(
    dom: *mut vkvm_domain,
    autostart: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(autostart, "autostart")?;
        out.set(c.get(dom, "dom")?.get_autostart()?);
        Ok(())
    })
}

/// Sets whether the domain starts with the host.
///
/// - `autostart`: 0 for no, anything else for yes
///
/// libvirt: virDomainSetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_autostart(
    dom: *mut vkvm_domain,
    autostart: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_autostart(autostart != 0))
}

/// Gets the most memory that the domain can have.
///
/// - `memory`: KiB
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
/// - `val`: KiB
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
/// - `val`: KiB
/// - `flags` (default 0): of `VKVM_DOMAIN_MEM_*`
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
/// - `flags` (default 0): of `VKVM_DOMAIN_VCPU_*`
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
/// - `flags` (default 0): of `VKVM_DOMAIN_VCPU_*`
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
/// - `flags` (default 0): of `VKVM_DOMAIN_AFFECT_*`
/// - `params`: a map whose keys are the texts of `VKVM_DOMAIN_MEMORY_*`, in KiB;
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
/// - `newparams`: a map with those to set, as `vkvm_domain_get_memory_parameters`
///   gives them; a key that the driver does not know is an error
/// - `flags` (default 0): of `VKVM_DOMAIN_AFFECT_*`
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
/// - `flags` (default 0): of `VKVM_DOMAIN_AFFECT_*`
/// - `params`: a map whose keys are the texts of `VKVM_DOMAIN_SCHEDULER_*`
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
/// - `newparams`: a map with those to set, as
///   `vkvm_domain_get_scheduler_parameters` gives them; a key that the driver
///   does not know is an error
/// - `flags` (default 0): of `VKVM_DOMAIN_AFFECT_*`
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
