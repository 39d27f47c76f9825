// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's I/O threads.

use std::ffi::{c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Returns the I/O threads of the domain and their CPU affinity.
///
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `iothreads` (list): a list of maps with the keys `number` and `affinity` (bytes with a bit
///   for each host CPU, bit 0 of the first byte for CPU 0)
///
/// libvirt: virDomainGetIOThreadInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_iothread_info(
    dom: *mut vkvm_domain,
    flags: u32,
    iothreads: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(iothreads, "iothreads")?;
        let list = c.get(dom, "dom")?.get_iothread_info(flags)?;
        out.set_value(list.into_iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// Adds an I/O thread to the domain.
///
/// - `iothread_id`: its number, from 1, which no other has
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainAddIOThread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_add_iothread(
    dom: *mut vkvm_domain,
    iothread_id: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.add_iothread(iothread_id, flags))
}

/// Removes an I/O thread from the domain.
///
/// A thread that a device uses cannot be removed.
///
/// - `iothread_id`: its number, from 1
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainDelIOThread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_del_iothread(
    dom: *mut vkvm_domain,
    iothread_id: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.del_iothread(iothread_id, flags))
}

/// Sets the CPU affinity of an I/O thread of the domain.
///
/// - `iothread_id`: its number, from 1
/// - `mask`: a bit for each host CPU, bit 0 of the first byte for CPU 0
/// - `mask_len`: number of bytes; CPUs beyond them are excluded
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainPinIOThread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_pin_iothread(
    dom: *mut vkvm_domain,
    iothread_id: u32,
    mask: *const c_void,
    mask_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mask = c.bytes(mask, mask_len, "mask")?;
        c.get(dom, "dom")?.pin_iothread(iothread_id, mask, flags)
    })
}

/// Sets the polling and thread pool parameters of an I/O thread of the domain.
///
/// - `iothread_id`: its number, from 1
/// - `newparams` (map): a map with the values to set; the keys are the texts of
///   `VKVM_DOMAIN_IOTHREAD_PARAM_*`: `poll_max_ns` (maximum polling time in ns), `poll_grow`
///   and `poll_shrink` (factors by which the polling time adapts), `poll_weight`,
///   `thread_pool_min` and `thread_pool_max`
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetIOThreadParams
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_iothread(
    dom: *mut vkvm_domain,
    iothread_id: u32,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, c.map(newparams, "newparams")?);
        dom.set_iothread(iothread_id, &params, flags)
    })
}
