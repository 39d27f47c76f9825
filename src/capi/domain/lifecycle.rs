//! Starting, stopping and forgetting a domain.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Starts the domain.
///
/// - `flags` (default 0, enum domain_start_flags)
///
/// libvirt: virDomainCreate, virDomainCreateWithFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_create(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.create(flags))
}

/// Stops the virtual CPUs of the domain; its memory stays.
///
/// libvirt: virDomainSuspend
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_suspend(
    dom: *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.suspend())
}

/// Lets a suspended domain go on.
///
/// libvirt: virDomainResume
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_resume(
    dom: *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.resume())
}

/// Asks the guest to restart. It may take its time, or refuse.
///
/// - `flags` (default 0, enum domain_reboot_flags): how to ask; 0 lets the driver choose
///
/// libvirt: virDomainReboot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_reboot(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.reboot(flags))
}

/// Asks the guest to shut down. It may take its time, or refuse.
///
/// - `flags` (default 0, enum domain_shutdown_flags): how to ask; 0 lets the driver choose
///
/// libvirt: virDomainShutdown, virDomainShutdownFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_shutdown(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.shutdown(flags))
}

/// Stops the domain at once, as if its plug was pulled.
///
/// The handle stays valid.
///
/// - `flags` (default 0, enum domain_destroy_flags)
///
/// libvirt: virDomainDestroy, virDomainDestroyFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_destroy(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.destroy(flags))
}

/// Forgets the definition of the domain. One that runs becomes transient.
///
/// - `flags` (default 0, enum domain_undefine_flags): what to forget with it
///
/// libvirt: virDomainUndefine, virDomainUndefineFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_undefine(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.undefine(flags))
}

/// Tells whether the domain starts with the host.
///
/// - `autostart`: whether it does
///
/// libvirt: virDomainGetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_autostart(
    dom: *mut vkvm_domain,
    autostart: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(autostart, "autostart")?;
        out.set(c.get(dom, "dom")?.get_autostart()?);
        Ok(())
    })
}

/// Sets whether the domain starts with the host.
///
/// - `autostart`: 0 for no, anything else for yes
///
/// libvirt: virDomainSetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_autostart(
    dom: *mut vkvm_domain,
    autostart: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_autostart(autostart != 0))
}
