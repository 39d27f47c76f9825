// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_domain_*`: domains.

pub mod agent;
pub mod backup;
pub mod block_jobs;
pub mod devices;
pub mod disks;
pub mod files;
pub mod guest;
pub mod info;
pub mod input;
pub mod interfaces;
pub mod iothreads;
pub mod lifecycle;
pub mod lxc;
pub mod migration;
pub mod peek;
pub mod qemu;
pub mod save;
pub mod security;
pub mod snapshots;
pub mod stats;
pub mod streams;
pub mod tuning;
pub mod vcpus;

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_domain, vkvm_error, vkvm_value};
use crate::core::Text;

/// Adds a reference to the domain handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_domain_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_ref(dom: *mut vkvm_domain) -> *mut vkvm_domain {
    direct(std::ptr::null_mut(), |c| c.retain(dom))
}

/// Releases a reference to the domain handle.
///
/// The domain itself is not affected. NULL and handles that are not live are ignored.
///
/// - `dom` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_free(dom: *mut vkvm_domain) {
    void(|c| c.free(dom))
}

/// Frees a returned list of domains and releases its handles.
///
/// - `domains` (consumed, nullable): the list
/// - `domains_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_list_free(domains: *mut *mut vkvm_domain, domains_len: usize) {
    void(|c| c.free_list(domains, domains_len))
}

/// Returns the name of the domain.
///
/// The name is unique on its host.
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

/// Returns the UUID of the domain as bytes.
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
        out.set(c.get(dom, "dom")?.get_uuid()?.as_bytes())
    })
}

/// Returns the UUID of the domain as text.
///
/// - `uuid`: the UUID in lower-case hexadecimal digits with hyphens, 36 characters
///
/// libvirt: virDomainGetUUID
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

/// Returns the hypervisor's id of the running domain.
///
/// A domain gets a new id each time it starts. The id is kept in the handle, and may be out of
/// date when the domain was started or stopped through another handle.
///
/// - `id`: the id; -1 when the domain is inactive
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

/// Returns the state of the domain and the reason for that state.
///
/// - `flags` (default 0): unused, pass 0
/// - `state` (enum domain_state): the state
/// - `reason` (enum domain_state_reason_nostate domain_state_reason_running
///   domain_state_reason_blocked domain_state_reason_paused domain_state_reason_shutdown
///   domain_state_reason_shutoff domain_state_reason_crashed domain_state_reason_pmsuspended
///   domain_state_reason_pmsuspended_disk): the reason, a constant of that state such as
///   `VKVM_DOMAIN_STATE_PAUSED_USER`; 0 when it is unknown
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

/// Returns the state, memory, number of virtual CPUs and CPU time of the domain.
///
/// On a restricted connection the driver may fill in only some of them.
///
/// - `info` (map): a map with the keys `state` (one of `VKVM_DOMAIN_STATE_*`), `maxMem`
///   (maximum memory in KiB), `memory` (current memory in KiB), `nrVirtCpu` (current number of
///   virtual CPUs), `cpuTime` (CPU time used, in ns)
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

/// Returns the information of `vkvm_domain_get_info` as plain numbers.
///
/// It builds no value, for programs that poll many domains.
///
/// - `state` (enum domain_state)
/// - `max_mem` (unit KiB): maximum memory of the domain
/// - `memory` (unit KiB): current memory of the domain
/// - `nr_virt_cpu`: current number of virtual CPUs
/// - `cpu_time` (unit ns): CPU time used
///
/// libvirt: virDomainGetInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_info_numbers(
    dom: *mut vkvm_domain,
    state: *mut c_int,
    max_mem: *mut u64,
    memory: *mut u64,
    nr_virt_cpu: *mut u32,
    cpu_time: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out_state, out_max_mem) = (c.out(state, "state")?, c.out(max_mem, "max_mem")?);
        let out_memory = c.out(memory, "memory")?;
        let out_nr_virt_cpu = c.out(nr_virt_cpu, "nr_virt_cpu")?;
        let out_cpu_time = c.out(cpu_time, "cpu_time")?;
        let info = c.get(dom, "dom")?.get_info_numbers()?;
        out_state.set(info.state as c_int);
        out_max_mem.set(info.max_mem);
        out_memory.set(info.memory);
        out_nr_virt_cpu.set(info.nr_virt_cpu);
        out_cpu_time.set(info.cpu_time);
        Ok(())
    })
}

/// Returns the definition of the domain as XML.
///
/// The document can be passed to `vkvm_conn_define_domain` or `vkvm_conn_create_domain` again.
/// Passwords and other secrets are left out without `VKVM_DOMAIN_XML_SECURE`, which a read-only
/// connection may not use.
///
/// - `flags` (default 0, enum domain_xml_flags): 0 means the live definition of a running
///   domain, otherwise the persistent one, without secrets
/// - `xml`: a `<domain>` document
///
/// libvirt: virDomainGetXMLDesc
/// cbindgen:secret
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

/// Reports whether the domain is running.
///
/// A paused domain counts as running.
///
/// - `active`: true if it is
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

/// Reports whether the domain has a persistent definition.
///
/// A persistent domain still exists when it has stopped; a transient one does not.
///
/// - `persistent`: true if it has
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

/// Returns the connection that the domain belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virDomainGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_conn(
    dom: *mut vkvm_domain,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(dom, "dom")?.get_conn()?)
    })
}
