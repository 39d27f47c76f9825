// SPDX-License-Identifier: LGPL-2.1-or-later
//! How a domain is kept apart, from others and from its host.

use std::ffi::c_int;

use zeroize::Zeroizing;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::value::Value;

/// Returns the security label of the running domain.
///
/// Only the first one if the host has several security drivers.
///
/// - `label` (map): a map with the keys `label` (empty when the domain has none) and
///   `enforcing` (1 if the host enforces it, otherwise 0)
///
/// libvirt: virDomainGetSecurityLabel
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_security_label(
    dom: *mut vkvm_domain,
    label: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(label, "label")?;
        out.set_value(c.get(dom, "dom")?.get_security_label()?)
    })
}

/// Returns the security labels of the running domain, one per security driver.
///
/// - `labels` (list): a list of maps with the keys `label` and `enforcing`, as in
///   `vkvm_domain_get_security_label`
///
/// libvirt: virDomainGetSecurityLabelList
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_security_label_list(
    dom: *mut vkvm_domain,
    labels: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(labels, "labels")?;
        let list = c.get(dom, "dom")?.get_security_label_list()?;
        out.set_value(list.into_iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// Returns the domain's launch security information, such as SEV's measurement.
///
/// Launch security hides the memory of the domain from its host by encryption.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with the texts of `VKVM_DOMAIN_LAUNCH_SECURITY_SEV_*` as keys
///
/// libvirt: virDomainGetLaunchSecurityInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_launch_security_info(
    dom: *mut vkvm_domain,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_launch_security_info(flags)?)
    })
}

/// Sets a launch secret in the encrypted memory of the paused domain.
///
/// Start the domain paused, verify its measurement, set the secret, then resume it. Destroy the
/// domain if the call fails. The library wipes its own copies; in C the caller wipes
/// `newparams`, with `vkvm_value_wipe_and_free`.
///
/// - `newparams` (map): a map with the keys `sev-secret` and `sev-secret-header` (base64) and,
///   if the firmware does not provide it, `sev-secret-set-address`
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainSetLaunchSecurityState
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_launch_security_state(
    dom: *mut vkvm_domain,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, params) = (c.get(dom, "dom")?, Zeroizing::new(c.map(newparams, "newparams")?));
        dom.set_launch_security_state(&params, flags)
    })
}
