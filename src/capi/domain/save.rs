// SPDX-License-Identifier: LGPL-2.1-or-later
//! Saving a running domain to a file.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Saves the running domain to a file, and stops it.
///
/// `vkvm_conn_restore_domain` restores it. The file remembers whether the domain was running or
/// paused, unless the flags say otherwise. A transient domain no longer exists afterwards. A
/// block job may prevent saving.
///
/// - `to` (nullable): path of the file on the domain's host; NULL when `params` has it
/// - `dxml` (nullable): a `<domain>` document to save instead of the domain's own, for changes
///   to the host's side such as paths of disk images; it must describe the same virtual
///   hardware
/// - `params` (nullable, map, since 8.4.0): a map with the texts of `VKVM_DOMAIN_SAVE_PARAM_*`
///   as keys
/// - `flags` (default 0, enum domain_save_flags)
///
/// libvirt: virDomainSave, virDomainSaveFlags, virDomainSaveParams
/// cbindgen:domain_job=save
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_save(
    dom: *mut vkvm_domain,
    to: *const c_char,
    dxml: *const c_char,
    params: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let (to, dxml) = (c.text_nullable(to, "to")?, c.text_nullable(dxml, "dxml")?);
        dom.save(to, dxml, c.map_nullable(params, "params")?, flags)
    })
}
