// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a connection tells about itself and the host.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_value};
use crate::event;

/// Returns the name of the hypervisor driver, such as "QEMU" or "TEST".
///
/// KVM guests have the driver "QEMU" too.
///
/// - `type`: the name
///
/// libvirt: virConnectGetType
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_type(
    conn: *mut vkvm_conn,
    r#type: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(r#type, "type")?;
        out.set(c.get(conn, "conn")?.get_type()?);
        Ok(())
    })
}

/// Returns the version of the hypervisor.
///
/// A read-only connection may not be allowed to ask.
///
/// - `version`: major * 1,000,000 + minor * 1,000 + micro; 0 when the driver does not know it
///
/// libvirt: virConnectGetVersion
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_version(
    conn: *mut vkvm_conn,
    version: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(version, "version")?;
        out.set(c.get(conn, "conn")?.get_version()?);
        Ok(())
    })
}

/// Returns the version of libvirt at the other end of the connection.
///
/// `vkvm_library_get_libvirt_version` returns that of the local libvirt.
///
/// - `version`: major * 1,000,000 + minor * 1,000 + micro
///
/// libvirt: virConnectGetLibVersion
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_library_version(
    conn: *mut vkvm_conn,
    version: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(version, "version")?;
        out.set(c.get(conn, "conn")?.get_library_version()?);
        Ok(())
    })
}

/// Returns the URI of the connection, as completed by libvirt.
///
/// It may differ from the URI that was opened, and opens the same hypervisor again.
///
/// - `uri`: the URI
///
/// libvirt: virConnectGetURI
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_uri(
    conn: *mut vkvm_conn,
    uri: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uri, "uri")?;
        out.set(c.get(conn, "conn")?.get_uri()?);
        Ok(())
    })
}

/// Returns the name of the host on which the hypervisor runs.
///
/// - `hostname`: the name
///
/// libvirt: virConnectGetHostname
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_hostname(
    conn: *mut vkvm_conn,
    hostname: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(hostname, "hostname")?;
        out.set(c.get(conn, "conn")?.get_hostname()?);
        Ok(())
    })
}

/// Returns the capabilities of the host and the hypervisor as XML.
///
/// It describes the host's CPU and NUMA topology accurately, unlike `vkvm_conn_get_node_info`.
///
/// - `xml`: a `<capabilities>` document
///
/// libvirt: virConnectGetCapabilities
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_capabilities(
    conn: *mut vkvm_conn,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(conn, "conn")?.get_capabilities()?);
        Ok(())
    })
}

/// Returns basic information about the hardware of the host.
///
/// The topology assumes equal NUMA nodes. `vkvm_conn_get_capabilities` is accurate;
/// `vkvm_conn_get_node_cpu_map` counts the CPUs.
///
/// - `info` (map): a map with the keys `model` (CPU model or architecture, a string), `memory`
///   (KiB), `cpus` (number of active CPUs), `mhz` (current clock of the first CPU), `nodes`
///   (NUMA nodes), `sockets` (per node), `cores` (per socket), `threads` (per core)
///
/// libvirt: virNodeGetInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_info(
    conn: *mut vkvm_conn,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(conn, "conn")?.get_node_info()?)
    })
}

/// Returns CPU time statistics of the host, of one CPU or of all.
///
/// - `cpu_num` (default -1, enum conn_node_cpu_selector): number of a CPU
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with the keys that the driver supports: `kernel`, `user`, `idle`,
///   `iowait`, `intr`, `guest` (ns since the host started) and `utilization` (percent)
///
/// libvirt: virNodeGetCPUStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_cpu_stats(
    conn: *mut vkvm_conn,
    cpu_num: c_int,
    flags: u32,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stats, "stats")?;
        out.set_value(c.get(conn, "conn")?.get_node_cpu_stats(cpu_num, flags)?)
    })
}

/// Returns memory statistics of the host, of one NUMA cell or of all.
///
/// - `cell_num` (default -1, enum conn_node_memory_selector): number of a NUMA cell
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with the keys that the driver supports: `total`, `free`, `buffers`,
///   `cached`, `available` (in KiB)
///
/// libvirt: virNodeGetMemoryStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_memory_stats(
    conn: *mut vkvm_conn,
    cell_num: c_int,
    flags: u32,
    stats: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stats, "stats")?;
        out.set_value(c.get(conn, "conn")?.get_node_memory_stats(cell_num, flags)?)
    })
}

/// Returns BIOS and hardware information of the host (SMBIOS) as XML.
///
/// Usually only a privileged daemon can read it.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<sysinfo>` document
///
/// libvirt: virConnectGetSysinfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_sysinfo(
    conn: *mut vkvm_conn,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(conn, "conn")?.get_sysinfo(flags)?);
        Ok(())
    })
}

/// Returns the security model of the host, such as SELinux.
///
/// - `model` (map): a map with the keys `model` (such as "selinux"; empty when there is none)
///   and `doi` (domain of interpretation), both strings
///
/// libvirt: virNodeGetSecurityModel
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_security_model(
    conn: *mut vkvm_conn,
    model: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(model, "model")?;
        out.set_value(c.get(conn, "conn")?.get_node_security_model()?)
    })
}

/// Returns AMD SEV information of the host: encryption of guest memory.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with the texts of `VKVM_SEV_*` as keys
///
/// libvirt: virNodeGetSEVInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_sev_info(
    conn: *mut vkvm_conn,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(conn, "conn")?.get_node_sev_info(flags)?)
    })
}

/// Suspends the host, and wakes it up after the given time.
///
/// The call returns before the host is suspended.
///
/// - `target` (enum conn_node_suspend_target): power management state to enter
/// - `duration` (unit s): time until it wakes up, at least 60
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNodeSuspendForDuration
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_node_suspend_for_duration(
    conn: *mut vkvm_conn,
    target: u32,
    duration: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(conn, "conn")?.node_suspend_for_duration(target, duration, flags))
}

/// Sets the identity that the daemon uses for access control.
///
/// The daemon accepts it from trusted clients only. It is meant for programs that act on behalf
/// of their own users.
///
/// - `newident` (nullable, map): a map with the texts of `VKVM_IDENTITY_*` as keys; ids are
///   numbers, the time is in clock ticks since the host started, the others are text. NULL
///   means none
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virConnectSetIdentity
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_set_identity(
    conn: *mut vkvm_conn,
    newident: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let identity = c.map_nullable(newident, "newident")?.unwrap_or_default();
        c.get(conn, "conn")?.set_identity(&identity, flags)
    })
}

/// Reports whether the connection is still usable.
///
/// It does not ask the daemon: a connection is alive until its socket is closed, or keepalive
/// has failed.
///
/// - `alive`: false when the connection is known to be broken
///
/// libvirt: virConnectIsAlive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_is_alive(
    conn: *mut vkvm_conn,
    alive: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(alive, "alive")?;
        out.set(c.get(conn, "conn")?.is_alive()?);
        Ok(())
    })
}

/// Reports whether the traffic is protected from eavesdropping.
///
/// - `secure`: true for encrypted connections and for those within the host, such as UNIX
///   sockets
///
/// libvirt: virConnectIsSecure
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_is_secure(
    conn: *mut vkvm_conn,
    secure: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(secure, "secure")?;
        out.set(c.get(conn, "conn")?.is_secure()?);
        Ok(())
    })
}

/// Reports whether the traffic is encrypted.
///
/// - `encrypted`: true if it is
///
/// libvirt: virConnectIsEncrypted
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_is_encrypted(
    conn: *mut vkvm_conn,
    encrypted: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(encrypted, "encrypted")?;
        out.set(c.get(conn, "conn")?.is_encrypted()?);
        Ok(())
    })
}

/// Sets the keepalive interval, which detects that the daemon does not respond.
///
/// Keepalive needs an event loop that runs, registered before the connection is opened. A
/// connection that does not answer is closed, which close callbacks report. While a call waits
/// on the thread that runs the loop no keepalive messages are sent; run the loop on another
/// thread, such as that of `vkvm_event_start`, so that such calls end too. The daemon may send
/// keepalive messages of its own, which the loop answers.
///
/// - `interval` (unit s): inactivity before a keepalive message is sent; 0 or less disables
///   them
/// - `count`: number of messages without an answer before the connection is closed
///
/// libvirt: virConnectSetKeepAlive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_set_keep_alive(
    conn: *mut vkvm_conn,
    interval: c_int,
    count: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let set = c.get(conn, "conn")?.set_keep_alive(interval, count);
        set.map_err(event::explain_keep_alive)
    })
}
