//! What goes into a guest as if from its keyboard, and signals to its processes.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Presses keys of the guest's keyboard together, and lets go of them.
///
/// - `codeset` (enum domain_keycode_set): what the codes mean
/// - `holdtime` (unit ms): for how long they are pressed
/// - `keycodes`: the codes
/// - `keycodes_len`: how many there are, from 1 to `VKVM_DOMAIN_SEND_KEY_MAX_KEYS`
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainSendKey
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_send_key(
    dom: *mut vkvm_domain,
    codeset: u32,
    holdtime: u32,
    keycodes: *const c_int,
    keycodes_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let keycodes = c.ints(keycodes, keycodes_len, "keycodes")?;
        c.get(dom, "dom")?.send_key(codeset, holdtime, keycodes, flags)
    })
}

/// Sends a signal to a process of the guest.
///
/// - `pid`: the number of the process, or minus that of a group of processes
/// - `signum` (enum domain_process_signal)
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainSendProcessSignal
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_send_process_signal(
    dom: *mut vkvm_domain,
    pid: i64,
    signum: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.send_process_signal(pid, signum, flags))
}
