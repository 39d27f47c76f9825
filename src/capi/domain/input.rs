// SPDX-License-Identifier: LGPL-2.1-or-later
//! What goes into a guest as if from its keyboard, and signals to its processes.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Presses keys of the guest's keyboard at the same time, and releases them.
///
/// - `codeset` (enum domain_keycode_set): code set of `keycodes`
/// - `holdtime` (unit ms): time for which they are pressed
/// - `keycodes`: the key codes
/// - `keycodes_len`: number of elements, from 1 to `VKVM_DOMAIN_SEND_KEY_MAX_KEYS`
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
/// Some drivers support only process 1. `VKVM_DOMAIN_PROCESS_SIGNAL_NOP` only checks that the
/// process exists.
///
/// - `pid`: id of the process in the guest, or the negative id of a process group; not 0
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
