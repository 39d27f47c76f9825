// SPDX-License-Identifier: LGPL-2.1-or-later
//! The library itself.

use std::ffi::c_ulong;
use std::ptr;
use std::sync::OnceLock;

use virt::sys;

use super::call;
use crate::error::Result;

/// libvkvm's version: major * 1,000,000 + minor * 1,000 + micro.
pub fn version() -> u64 {
    let part = |text: &str| text.parse().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// The version of the libvirt in this process, in the same form.
pub fn libvirt_version() -> Result<u64> {
    call::initialize();
    let mut version: c_ulong = 0;
    // SAFETY: the type may be NULL, and then so may its version.
    let returned = unsafe { sys::virGetVersion(&mut version, ptr::null(), ptr::null_mut()) };
    call::done(returned, c"virGetVersion")?;
    Ok(version)
}

/// Whether several threads may call on one connection, and none of their calls waits for
/// another one's answer. Before 10.1 libvirt's client can crash then (see the guide's page on
/// threads), or send a call only when the one that is waited for is answered.
pub fn has_safe_client() -> bool {
    static IS_SAFE: OnceLock<bool> = OnceLock::new();
    *IS_SAFE.get_or_init(|| libvirt_version().is_ok_and(|version| version >= 10_001_000))
}

/// The version of libvirt that libvkvm was built against, in the same form, if
/// that was known at build time.
pub fn libvirt_compiled_against() -> Option<u64> {
    let mut parts = option_env!("VKVM_LIBVIRT_VERSION")?.split('.').map(str::parse::<u64>);
    let mut part = || parts.next()?.ok();
    Some(part()? * 1_000_000 + part()? * 1000 + part()?)
}
