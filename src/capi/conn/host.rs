//! What a connection tells about itself and the host.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_value};
use crate::event;

/// Gets the name of the hypervisor driver, like "QEMU" or "TEST".
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

/// Gets the version of the hypervisor.
///
/// - `version`: major * 1,000,000 + minor * 1,000 + micro
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

/// Gets the version of libvirt on the side of the hypervisor.
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

/// Gets the URI of the connection, as libvirt completed it.
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

/// Gets the name of the host.
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

/// Gets what host and hypervisor can do.
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

/// Gets the hardware of the host.
///
/// - `info` (map): a map with the keys `model` (the CPU model, a string), `memory` (KiB), `cpus`
///   (active ones), `mhz`, `nodes` (NUMA nodes), `sockets` (per node), `cores` (per socket),
///   `threads` (per core)
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

/// Gets how much time the CPUs of the host spent on what.
///
/// - `cpu_num` (default -1, enum conn_node_cpu_selector): number of a CPU
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with those of the keys `kernel`, `user`, `idle`, `iowait`, `intr`,
///   `guest` (ns since the host started) and `utilization` (percent) that the driver knows
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

/// Gets how the memory of the host is used.
///
/// - `cell_num` (default -1, enum conn_node_memory_selector): number of a NUMA cell
/// - `flags` (default 0): unused, pass 0
/// - `stats` (map): a map with those of the keys `total`, `free`, `buffers`, `cached`,
///   `available` (KiB) that the driver knows
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

/// Gets the BIOS and hardware of the host.
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

/// Gets how the host protects domains from each other.
///
/// - `model` (map): a map with the keys `model` (like "selinux") and `doi` (the domain of
///   interpretation), both strings
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

/// Gets what the host's AMD SEV, the encryption of guests' memory, can do.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with keys of `VKVM_SEV_*`
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

/// Suspends the host, and wakes it up after some time.
///
/// - `target` (enum conn_node_suspend_target): how to suspend
/// - `duration` (unit s): how long, at least 60
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

/// Tells the daemon on whose behalf the connection is used from now on.
///
/// Only what the daemon trusts may do this; it is meant for programs that
/// speak to libvirt for their own clients.
///
/// - `newident` (nullable, map): a map with keys of `VKVM_IDENTITY_*`; the ids are numbers, the
///   time is in clock ticks since the host started, the rest is text. NULL for none
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

/// Tells whether the connection still works.
///
/// - `alive`: false when it is known to be broken
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

/// Tells whether nobody else can read or change the traffic.
///
/// - `secure`: true for encrypted connections and those inside the host
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

/// Tells whether the traffic is encrypted.
///
/// - `encrypted`: whether it is
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

/// Lets libvirt check that the daemon still answers.
///
/// The checks are made by the event loop, which must be registered before the connection
/// is opened: without one that runs, nothing is checked. A connection whose checks fail is
/// broken, which close callbacks are told. libvirt makes none while a call waits on the
/// thread that runs the loop: so that such calls end, too, let another thread run it, like
/// that of `vkvm_event_start`.
///
/// - `interval` (unit s): the silence before a check; 0 or less for no checks
/// - `count`: how many checks may go unanswered
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
