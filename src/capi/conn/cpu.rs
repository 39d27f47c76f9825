// SPDX-License-Identifier: LGPL-2.1-or-later
//! The CPUs of the host, and those that domains can have.

use std::ffi::{c_char, c_int};

use crate::capi::caller::Caller;
use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error};
use crate::core::conn::Emulator;
use crate::error::Result;

/// The four texts that say which emulator is meant.
fn emulator<'c>(
    c: &'c Caller,
    emulator: *const c_char,
    arch: *const c_char,
    machine: *const c_char,
    virttype: *const c_char,
) -> Result<Emulator<'c>> {
    Ok(Emulator {
        path: c.text_nullable(emulator, "emulator")?,
        arch: c.text_nullable(arch, "arch")?,
        machine: c.text_nullable(machine, "machine")?,
        virttype: c.text_nullable(virttype, "virttype")?,
    })
}

/// Returns the maximum number of virtual CPUs of a domain.
///
/// It does not consider the emulator's limit; `vkvm_conn_get_domain_capabilities` does.
///
/// - `type` (nullable): type of the domain, such as "kvm"; NULL means the driver's default
/// - `count`: the maximum
///
/// libvirt: virConnectGetMaxVcpus
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_max_vcpus(
    conn: *mut vkvm_conn,
    r#type: *const c_char,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.get_max_vcpus(c.text_nullable(r#type, "type")?)?);
        Ok(())
    })
}

/// Returns the CPUs of the host, and which of them are online.
///
/// - `flags` (default 0): unused, pass 0
/// - `totcpus`: number of CPUs
/// - `onlinemap`: a bit for each CPU, set when it is online; CPU 0 is bit 0 of the first byte
/// - `onlinemap_len`: number of bytes
/// - `totonline`: number of online CPUs
///
/// libvirt: virNodeGetCPUMap
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_cpu_map(
    conn: *mut vkvm_conn,
    flags: u32,
    totcpus: *mut c_int,
    onlinemap: *mut *mut u8,
    onlinemap_len: *mut usize,
    totonline: *mut u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out_total = c.out(totcpus, "totcpus")?;
        let out_map = c.out_array(onlinemap, onlinemap_len, "onlinemap", "onlinemap_len")?;
        let out_online = c.out(totonline, "totonline")?;
        let (total, map, online) = c.get(conn, "conn")?.get_node_cpu_map(flags)?;
        out_total.set(total);
        out_map.set(&map)?;
        out_online.set(online);
        Ok(())
    })
}

/// Compares a CPU description with the CPU of the host.
///
/// It does not consider the hypervisor; `vkvm_conn_compare_hypervisor_cpu` does.
///
/// - `xml`: a `<cpu>` document, or a `<domain>` document that has one
/// - `flags` (default 0, enum conn_compare_cpu_flags)
/// - `result` (enum conn_cpu_compare_result): how the host's CPU compares
///
/// libvirt: virConnectCompareCPU
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_compare_cpu(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    result: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        out.set(c.get(conn, "conn")?.compare_cpu(c.text(xml, "xml")?, flags)?);
        Ok(())
    })
}

/// Computes the most capable CPU that is compatible with several hosts.
///
/// `vkvm_conn_baseline_hypervisor_cpu` also considers the hypervisor.
///
/// - `xml`: `<cpu>` documents of the hosts
/// - `xml_len`: number of elements
/// - `flags` (default 0, enum conn_baseline_cpu_flags)
/// - `cpu`: a `<cpu>` document
///
/// libvirt: virConnectBaselineCPU
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_baseline_cpu(
    conn: *mut vkvm_conn,
    xml: *const *const c_char,
    xml_len: usize,
    flags: u32,
    cpu: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(cpu, "cpu")?;
        let conn = c.get(conn, "conn")?;
        out.set(conn.baseline_cpu(&c.texts(xml, xml_len, "xml")?, flags)?);
        Ok(())
    })
}

/// Lists the CPU models that libvirt supports for an architecture.
///
/// A hypervisor may support fewer: `vkvm_conn_get_domain_capabilities` lists those.
///
/// - `arch`: architecture, such as "x86_64"
/// - `flags` (default 0): unused, pass 0
/// - `names`: the names; an empty list means no restriction
/// - `names_len`: number of elements
///
/// libvirt: virConnectGetCPUModelNames
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_cpu_model_names(
    conn: *mut vkvm_conn,
    arch: *const c_char,
    flags: u32,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.get_cpu_model_names(c.text(arch, "arch")?, flags)?)
    })
}

/// Compares a CPU description with the CPU that an emulator can provide.
///
/// - `emulator` (nullable): path of the emulator; NULL means the default
/// - `arch` (nullable): architecture of the guest; NULL means the host's
/// - `machine` (nullable): machine type; NULL means the default
/// - `virttype` (nullable): virtualization type, such as "kvm"; NULL means the default
/// - `xml`: a `<cpu>` document
/// - `flags` (default 0, enum conn_compare_cpu_flags)
/// - `result` (enum conn_cpu_compare_result): how the emulator's CPU compares
///
/// libvirt: virConnectCompareHypervisorCPU
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_compare_hypervisor_cpu(
    conn: *mut vkvm_conn,
    emulator: *const c_char,
    arch: *const c_char,
    machine: *const c_char,
    virttype: *const c_char,
    xml: *const c_char,
    flags: u32,
    result: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(result, "result")?;
        let conn = c.get(conn, "conn")?;
        let emulator = self::emulator(c, emulator, arch, machine, virttype)?;
        out.set(conn.compare_hypervisor_cpu(emulator, c.text(xml, "xml")?, flags)?);
        Ok(())
    })
}

/// Computes the most capable CPU that an emulator can provide on several hosts.
///
/// The best input are the host-model CPUs of `vkvm_conn_get_domain_capabilities` of each host.
///
/// - `emulator` (nullable): path of the emulator; NULL means the default
/// - `arch` (nullable): architecture of the guest; NULL means the host's
/// - `machine` (nullable): machine type; NULL means the default
/// - `virttype` (nullable): virtualization type, such as "kvm"; NULL means the default
/// - `xml`: `<cpu>` documents of the hosts
/// - `xml_len`: number of elements
/// - `flags` (default 0, enum conn_baseline_cpu_flags)
/// - `cpu`: a `<cpu>` document
///
/// libvirt: virConnectBaselineHypervisorCPU
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_baseline_hypervisor_cpu(
    conn: *mut vkvm_conn,
    emulator: *const c_char,
    arch: *const c_char,
    machine: *const c_char,
    virttype: *const c_char,
    xml: *const *const c_char,
    xml_len: usize,
    flags: u32,
    cpu: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(cpu, "cpu")?;
        let conn = c.get(conn, "conn")?;
        let emulator = self::emulator(c, emulator, arch, machine, virttype)?;
        let xml = c.texts(xml, xml_len, "xml")?;
        out.set(conn.baseline_hypervisor_cpu(emulator, &xml, flags)?);
        Ok(())
    })
}

/// Returns the capabilities of an emulator for domains as XML.
///
/// It lists, for example, the CPU models, devices and firmware that a domain's definition may
/// use.
///
/// - `emulator` (nullable): path of the emulator; NULL means the default
/// - `arch` (nullable): architecture of the guest; NULL means the host's
/// - `machine` (nullable): machine type; NULL means the default
/// - `virttype` (nullable): virtualization type, such as "kvm"; NULL means the default
/// - `flags` (default 0, enum conn_domain_capabilities_flags)
/// - `xml`: a `<domainCapabilities>` document
///
/// libvirt: virConnectGetDomainCapabilities
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_domain_capabilities(
    conn: *mut vkvm_conn,
    emulator: *const c_char,
    arch: *const c_char,
    machine: *const c_char,
    virttype: *const c_char,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        let conn = c.get(conn, "conn")?;
        let emulator = self::emulator(c, emulator, arch, machine, virttype)?;
        out.set(conn.get_domain_capabilities(emulator, flags)?);
        Ok(())
    })
}
