// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_fleet_*`: many hosts at once.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use zeroize::Zeroizing;

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_fleet, vkvm_value};
use crate::error::Misuse;
use crate::host::{Fleet, MOST_AT_ONCE, MetricsFormat};

/// Opens many hosts, 64 at a time, and waits until each is open or has failed.
///
/// A host that fails, or is not open in time, does not make the function fail: its error is in
/// `vkvm_fleet_get_hosts`, and each command tries to open it again. An attempt that is late is
/// ended.
///
/// - `uris`: a libvirt URI for each host
/// - `uris_len`: number of elements
/// - `timeout` (unit ms): time to wait
/// - `fleet`: the hosts
///
/// libvirt: virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_open(
    uris: *const *const c_char,
    uris_len: usize,
    timeout: u32,
    fleet: *mut *mut vkvm_fleet,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(fleet, "fleet")?;
        out.set(Fleet::open(&c.texts(uris, uris_len, "uris")?, ms(timeout))?)
    })
}

/// Adds a reference to the fleet handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_fleet_free`; NULL when it is
///   not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_ref(fleet: *mut vkvm_fleet) -> *mut vkvm_fleet {
    direct(std::ptr::null_mut(), |c| c.retain(fleet))
}

/// Releases a reference to the fleet handle.
///
/// After the last one threads of the library close the connections; a connection that hangs is
/// closed when its call returns. NULL and handles that are not live are ignored.
///
/// - `fleet` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_free(fleet: *mut vkvm_fleet) {
    void(|c| c.free(fleet))
}

/// Sets the maximum number of hosts of the fleet that work at the same time.
///
/// The default is 64. Each host needs a thread while it works, and one more while it is opened.
/// When more hosts hang at the same time than the limit allows, the others do not get their
/// turn before the deadline; a higher limit helps.
///
/// - `limit`: maximum number of hosts, from 1 to 1024
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_set_limit(
    fleet: *mut vkvm_fleet,
    limit: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let fleet = c.get(fleet, "fleet")?;
        if !(1..=MOST_AT_ONCE).contains(&limit) {
            let reason = format!("is {limit}; a number from 1 to {MOST_AT_ONCE} is needed");
            return Err(Misuse::Invalid { parameter: "limit", reason }.into());
        }
        fleet.set_limit(limit as usize);
        Ok(())
    })
}

/// Returns the maximum number of hosts of the fleet that work at the same time.
///
/// - `limit`: maximum number of hosts
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_get_limit(
    fleet: *mut vkvm_fleet,
    limit: *mut u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(limit, "limit")?;
        out.set(c.get(fleet, "fleet")?.limit() as u32);
        Ok(())
    })
}

/// Returns the state of each host of the fleet.
///
/// - `hosts`: a list of maps, in the order of the URIs, with the keys `uri`, `host` (host name
///   as the host knows it, null if it has never been open), `state` ("open", "failed" or
///   "busy", which means working or not responding) and `error` (why it is not open, a map as
///   in `vkvm_error_to_value`, or null)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_get_hosts(
    fleet: *mut vkvm_fleet,
    hosts: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(hosts, "hosts")?.set_value(c.get(fleet, "fleet")?.hosts()))
}

/// Runs a command on all hosts of the fleet.
///
/// It waits until all hosts have answered or `timeout` has passed. At most as many hosts work
/// at the same time as `vkvm_fleet_set_limit` allows; a host that does not respond counts until
/// then, and hosts that were late the last time begin after the others. A host whose connection
/// has ended is reopened first. A command that has not begun in time does not run on that host;
/// one that has begun completes there, but its result is discarded. An unknown command or
/// argument makes the function fail, and so do invalid arguments of a query; every other error
/// is among the results.
///
/// - `command`: as for `vkvm_host_call`
/// - `args` (nullable): as for `vkvm_host_call`
/// - `timeout` (unit ms): time to wait
/// - `results`: a list of maps, in the order of the URIs, with the keys `uri`, `host` (host
///   name as the host knows it, null if it has never been open), and `result` (as in
///   `vkvm_host_call`) or `error` (a map as in `vkvm_error_to_value`; its code is
///   `VKVM_ERROR_ERR_OPERATION_TIMEOUT` for a host that is late)
///
/// cbindgen:blocks
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_call(
    fleet: *mut vkvm_fleet,
    command: *const c_char,
    args: *mut vkvm_value,
    timeout: u32,
    results: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(results, "results")?;
        let (fleet, command) = (c.get(fleet, "fleet")?, c.str(command, "command")?);
        let args = Zeroizing::new(c.value_or_null(args, "args")?);
        out.set_value(fleet.call(command, &args, ms(timeout))?)
    })
}

/// Lists the domains of all hosts of the fleet.
///
/// - `args` (nullable): as for the command "list_domains"
/// - `timeout` (unit ms): time to wait
/// - `listing`: a map with two keys: `domains` is a list of maps with the keys `uri`, `host`
///   (host name as the host knows it), `name`, `id` (-1 when inactive), `state` and, if
///   requested, `title`; `errors` is a list of maps with the keys `uri`, `host` and `error` for
///   hosts that have not answered
///
/// libvirt: virConnectGetAllDomainStats
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_list_domains(
    fleet: *mut vkvm_fleet,
    args: *mut vkvm_value,
    timeout: u32,
    listing: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(listing, "listing")?;
        let fleet = c.get(fleet, "fleet")?;
        out.set_value(fleet.list_domains(&c.value_or_null(args, "args")?, ms(timeout))?)
    })
}

/// Returns metrics of all hosts as a text for Prometheus.
///
/// The text has the state, CPU, memory, vCPUs, disks, network interfaces and perf events of all
/// domains; storage pools; CPU time and memory of the hosts. Names, labels and units are those
/// that common exporters for libvirt use; the guide has the list. Each sample has the label
/// `host`: the server in the URI and its port, or the name of this machine; an alias as it is; the
/// whole URI where that would be the same for two hosts.
///
/// The metrics of a host take a constant number of calls, and one for each active storage pool.
/// A domain whose QEMU does not answer is left out of what QEMU has to be asked for; the host's
/// first such call takes a fifth of `timeout` for each of up to three such domains. With more of
/// them only what libvirt knows without QEMU is in the text.
///
/// Of a host that fails or is late, the text has `libvirt_up` with the value 0; the reason is
/// in `errors`.
///
/// - `format` (nullable): "openmetrics", the default, or "prometheus", its text format 0.0.4
/// - `timeout` (unit ms): how long to wait
/// - `metrics` (map): the text, and the errors
///
/// libvirt: virConnectGetAllDomainStats, virNodeGetInfo, virNodeGetCPUStats, virNodeGetMemoryStats, virConnectListAllStoragePools, virStoragePoolGetInfo
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_get_metrics(
    fleet: *mut vkvm_fleet,
    format: *const c_char,
    timeout: u32,
    metrics: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(metrics, "metrics")?;
        let fleet = c.get(fleet, "fleet")?;
        let format = MetricsFormat::named(c.str_nullable(format, "format")?)?;
        out.set_value(fleet.metrics(format, ms(timeout))?)
    })
}

fn ms(timeout: u32) -> Duration {
    Duration::from_millis(timeout.into())
}
