// SPDX-License-Identifier: LGPL-2.1-or-later
//! Set and asked in the guest by its agent: the clock, and who may log in.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Returns the guest's time, from the guest agent.
///
/// - `flags` (default 0): unused, pass 0
/// - `secs` (unit s): time since 1970
/// - `nsecs` (unit ns): fraction of the second
///
/// libvirt: virDomainGetTime
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_time(
    dom: *mut vkvm_domain,
    flags: u32,
    secs: *mut i64,
    nsecs: *mut u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out_secs, out_nsecs) = (c.out(secs, "secs")?, c.out(nsecs, "nsecs")?);
        let (secs, nsecs) = c.get(dom, "dom")?.get_time(flags)?;
        out_secs.set(secs);
        out_nsecs.set(nsecs);
        Ok(())
    })
}

/// Sets the guest's time through the guest agent.
///
/// A guest that was paused or restored from a file may lag too far behind for NTP.
///
/// - `secs` (unit s): time since 1970
/// - `nsecs` (unit ns): fraction of the second
/// - `flags` (default 0, enum domain_time_flags)
///
/// libvirt: virDomainSetTime
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_time(
    dom: *mut vkvm_domain,
    secs: i64,
    nsecs: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_time(secs, nsecs, flags))
}

/// Sets the timeout for responses of the guest agent.
///
/// It applies to all later calls that use the agent of this domain. By default libvirt waits
/// without a limit.
///
/// - `timeout` (unit s, enum domain_agent_response_timeout): the timeout; 0 does not wait
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainAgentSetResponseTimeout
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_agent_response_timeout(
    dom: *mut vkvm_domain,
    timeout: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_agent_response_timeout(timeout, flags))
}

/// Returns the authorized SSH keys of a user of the guest, from the guest agent.
///
/// - `user`: name of the user
/// - `flags` (default 0): unused, pass 0
/// - `keys`: the lines of the user's file authorized_keys
/// - `keys_len`: number of elements
///
/// libvirt: virDomainAuthorizedSSHKeysGet
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_authorized_ssh_keys_get(
    dom: *mut vkvm_domain,
    user: *const c_char,
    flags: u32,
    keys: *mut *mut *mut c_char,
    keys_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(keys, keys_len, "keys", "keys_len")?;
        let dom = c.get(dom, "dom")?;
        out.set(dom.authorized_ssh_keys_get(c.text(user, "user")?, flags)?)
    })
}

/// Sets the authorized SSH keys of a user of the guest, through the guest agent.
///
/// Without flags they replace all previous keys.
///
/// - `user`: name of the user
/// - `keys` (nullable): lines for the user's file authorized_keys; NULL or an empty list,
///   without flags, removes all lines
/// - `keys_len`: number of elements
/// - `flags` (default 0, enum domain_authorized_ssh_keys_flags)
///
/// libvirt: virDomainAuthorizedSSHKeysSet
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_authorized_ssh_keys_set(
    dom: *mut vkvm_domain,
    user: *const c_char,
    keys: *const *const c_char,
    keys_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, keys) = (c.get(dom, "dom")?, c.texts(keys, keys_len, "keys")?);
        dom.authorized_ssh_keys_set(c.text(user, "user")?, &keys, flags)
    })
}
