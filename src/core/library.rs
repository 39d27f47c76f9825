//! The library itself.

use std::ffi::c_ulong;
use std::ptr;

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

/// The version of libvirt that libvkvm was built against, in the same form, if
/// that was known at build time.
pub fn libvirt_compiled_against() -> Option<u64> {
    let mut parts = option_env!("VKVM_LIBVIRT_VERSION")?.split('.').map(str::parse::<u64>);
    let mut part = || parts.next()?.ok();
    Some(part()? * 1_000_000 + part()? * 1000 + part()?)
}
