//! `vkvm_fleet_*`: many hosts at once.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use zeroize::Zeroizing;

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_fleet, vkvm_value};
use crate::error::Misuse;
use crate::host::{Fleet, MOST_AT_ONCE};

/// Opens hosts, 64 at once, and waits until each is open or has failed.
///
/// A host that fails, or is not open in time, does not make this fail: it has an
/// error of its own in `vkvm_fleet_get_hosts`, and each command tries to open it
/// again. An opening that is late is ended.
///
/// - `uris`: a libvirt URI for each host
/// - `uris_len`: how many there are
/// - `timeout` (unit ms): how long to wait
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

/// Adds a hold on the fleet handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_fleet_free`, or NULL when
///   it is not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_ref(fleet: *mut vkvm_fleet) -> *mut vkvm_fleet {
    direct(std::ptr::null_mut(), |c| c.retain(fleet))
}

/// Gives up a hold on the fleet handle. NULL and handles that are not live are left
/// alone.
///
/// The last one has the library's threads close the connections; one that hangs is closed when
/// its call comes back.
///
/// - `fleet` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_free(fleet: *mut vkvm_fleet) {
    void(|c| c.free(fleet))
}

/// Sets how many hosts of the fleet are at work at once; 64 until then.
///
/// Each needs a thread while it is at work, and one more while it is opened. Where more hosts
/// hang at once than there are places, the others have no turn before the deadline; then a
/// higher limit helps.
///
/// - `limit`: how many, from 1 to 1024
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

/// Gets how many hosts of the fleet are at work at once; see `vkvm_fleet_set_limit`.
///
/// - `limit`: how many
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

/// Describes the hosts: a list, in the order of their URIs, of maps.
///
/// The keys are `uri`; `host`, the host's own name, or null if it never was open;
/// `state`, "open", "failed" or "busy" (at work, or not answering); and `error`,
/// why it is not open, a map as of `vkvm_error_to_value`, or null.
///
/// - `hosts`: the description
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_fleet_get_hosts(
    fleet: *mut vkvm_fleet,
    hosts: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(hosts, "hosts")?.set_value(c.get(fleet, "fleet")?.hosts()))
}

/// Runs a command on all hosts, of which `vkvm_fleet_set_limit` says how many are at work at
/// once.
///
/// It waits until all have answered or `timeout` is over. A host that does not answer keeps
/// its place among those at work until then; hosts that were late the last time begin after
/// the others. A host whose connection has ended is opened anew first. What a host has not begun
/// when the time is over it does not begin any more; what it has begun it ends, but
/// nobody hears of it. A command or an argument that does not exist makes this
/// function fail, and so do arguments of a query that do not go together or are none
/// of the words that they must be; everything else is in the results.
///
/// The results are a list, in the order of the URIs, of maps with the keys `uri`;
/// `host`, the host's own name, or null if it never was open; and `result`, as of
/// `vkvm_host_call`, or `error`, a map as of `vkvm_error_to_value`. The code of an
/// error for a host that is late is `VKVM_ERROR_ERR_OPERATION_TIMEOUT`.
///
/// - `command`: as for `vkvm_host_call`
/// - `args` (nullable): as for `vkvm_host_call`
/// - `timeout` (unit ms): how long to wait
/// - `results`: what each host gives
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

/// Lists the domains of all hosts, with the host's name in each row.
///
/// The listing is a map with two keys: `domains`, a list of maps with the keys
/// `uri`, `host` (the host's own name), `name`, `id` (-1 if it does not run),
/// `state` and, if asked for, `title`; and `errors`, a list of maps with the keys
/// `uri`, `host` and `error` for hosts that gave none in time.
///
/// - `args` (nullable): as for the command "list_domains"
/// - `timeout` (unit ms): how long to wait
/// - `listing`: the domains, and the errors
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

fn ms(timeout: u32) -> Duration {
    Duration::from_millis(timeout.into())
}
