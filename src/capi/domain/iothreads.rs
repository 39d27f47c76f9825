//! A domain's I/O threads.

use std::ffi::{c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Lists the I/O threads of the domain, and on which CPUs of the host they may run.
///
/// - `flags` (default 0, enum domain_affect_flags)
/// - `iothreads` (list): a list of maps with the keys `number` and `affinity` (bytes with a bit
///   for each of the host's CPUs, bit 0 of the first byte for CPU 0)
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
/// - `iothread_id`: its number, from 1
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Removes an I/O thread that no disk uses from the domain.
///
/// - `iothread_id`: its number, from 1
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Lets an I/O thread of the domain run on some of the host's CPUs only.
///
/// - `iothread_id`: its number, from 1
/// - `mask`: a bit for each of the host's CPUs, bit 0 of the first byte for CPU 0
/// - `mask_len`: how many bytes it has; CPUs beyond them are not in it
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Sets how an I/O thread of the domain waits for work, and how many helpers it has.
///
/// - `iothread_id`: its number, from 1
/// - `newparams` (map): a map with those to set; the keys are the texts of
///   `VKVM_DOMAIN_IOTHREAD_PARAM_*`: `poll_max_ns` (ns that it may poll), `poll_grow` and
///   `poll_shrink` (factors for that), `poll_weight`, `thread_pool_min` and `thread_pool_max`
/// - `flags` (default 0, enum domain_affect_flags)
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
