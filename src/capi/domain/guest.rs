//! Set and asked in the guest by its agent: the clock, and who may log in.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Asks the guest's agent for the guest's clock.
///
/// - `flags` (default 0): unused, pass 0
/// - `secs` (unit s): the time since 1970
/// - `nsecs` (unit ns): the part of a second besides
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

/// Lets the guest's agent set the guest's clock.
///
/// - `secs` (unit s): the time since 1970
/// - `nsecs` (unit ns): the part of a second besides
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

/// Sets how long calls wait for the guest's agent.
///
/// - `timeout` (unit s, enum domain_agent_response_timeout): how long to wait, or a
///   constant
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

/// Asks the guest's agent for the public keys with which one may log in as a user of
/// the guest.
///
/// - `user`: the user's name
/// - `flags` (default 0): unused, pass 0
/// - `keys`: the lines of the user's file authorized_keys
/// - `keys_len`: how many there are
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

/// Lets the guest's agent set the public keys with which one may log in as a user of the
/// guest.
///
/// - `user`: the user's name
/// - `keys` (nullable): the lines for the user's file authorized_keys; NULL or an empty
///   list, without flags, removes all lines
/// - `keys_len`: how many there are
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
