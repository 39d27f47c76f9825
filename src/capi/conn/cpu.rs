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

/// Gets how many virtual CPUs a domain can have at most.
///
/// - `type` (nullable): the type of domain, such as "kvm"; NULL for the default of the
///   driver
/// - `count`: how many
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

/// Gets which CPUs of the host are online.
///
/// - `flags` (default 0): unused, pass 0
/// - `totcpus`: how many CPUs the host has
/// - `onlinemap`: a bit for each CPU, set when it is online; CPU 0 is the lowest
///   bit of the first byte
/// - `onlinemap_len`: how many bytes that is
/// - `totonline`: how many CPUs are online
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

/// Compares the CPU of the host with another one.
///
/// - `xml`: a `<cpu>` document, or a `<domain>` that has one
/// - `flags` (default 0, enum conn_compare_cpu_flags)
/// - `result` (enum conn_cpu_compare_result): what the host's CPU is
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

/// Gets the most capable CPU that several hosts have in common.
///
/// - `xml`: the hosts' `<cpu>` documents
/// - `xml_len`: how many there are
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

/// Gets the names of the CPU models that the hypervisor knows.
///
/// - `arch`: the architecture, like "x86_64"
/// - `flags` (default 0): unused, pass 0
/// - `names`: the names
/// - `names_len`: how many there are
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

/// Compares the CPU that an emulator can provide with another one.
///
/// - `emulator` (nullable): the path of the emulator; NULL for the usual one
/// - `arch` (nullable): the architecture of the guest; NULL for the host's
/// - `machine` (nullable): the type of machine; NULL for the usual one
/// - `virttype` (nullable): the kind of virtualization, like "kvm"; NULL for the
///   usual one
/// - `xml`: a `<cpu>` document
/// - `flags` (default 0, enum conn_compare_cpu_flags)
/// - `result` (enum conn_cpu_compare_result): what the CPU of the emulator is
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

/// Gets the most capable CPU that an emulator can provide on several hosts.
///
/// - `emulator` (nullable): the path of the emulator; NULL for the usual one
/// - `arch` (nullable): the architecture of the guest; NULL for the host's
/// - `machine` (nullable): the type of machine; NULL for the usual one
/// - `virttype` (nullable): the kind of virtualization, like "kvm"; NULL for the
///   usual one
/// - `xml`: the hosts' `<cpu>` documents
/// - `xml_len`: how many there are
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

/// Gets what domains can have with an emulator.
///
/// - `emulator` (nullable): the path of the emulator; NULL for the usual one
/// - `arch` (nullable): the architecture of the guest; NULL for the host's
/// - `machine` (nullable): the type of machine; NULL for the usual one
/// - `virttype` (nullable): the kind of virtualization, like "kvm"; NULL for the
///   usual one
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
