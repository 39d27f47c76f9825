// SPDX-License-Identifier: LGPL-2.1-or-later
//! Starting, stopping and forgetting a domain.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Starts the domain.
///
/// A domain with a managed save image is restored from it, and is paused when it was paused
/// then.
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

/// Pauses the virtual CPUs of the running domain.
///
/// Its memory stays allocated. `vkvm_domain_resume` continues it.
///
/// libvirt: virDomainSuspend
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_suspend(
    dom: *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.suspend())
}

/// Resumes the paused domain.
///
/// It may fail in special states such as `VKVM_DOMAIN_STATE_PMSUSPENDED`.
///
/// libvirt: virDomainResume
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_resume(
    dom: *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.resume())
}

/// Asks the guest to reboot.
///
/// The call returns when the request is made; the guest may ignore it. The domain shuts down
/// instead when its element `<on_reboot>` says so. QEMU's driver advises against saving or
/// migrating the domain while it reboots.
///
/// - `flags` (default 0, enum domain_reboot_flags): methods to try, in no defined order; 0
///   means the driver's choice
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

/// Asks the guest to shut down.
///
/// The call returns when the request is made; the guest may ignore it. The domain reboots
/// instead when its element `<on_poweroff>` says so. `vkvm_domain_destroy` does not depend on
/// the guest.
///
/// - `flags` (default 0, enum domain_shutdown_flags): methods to try, in no defined order; 0
///   means the driver's choice
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

/// Stops the domain immediately, like pulling the power plug.
///
/// Data that the guest has not written may be lost. Without `VKVM_DOMAIN_DESTROY_GRACEFUL` the
/// hypervisor's process is killed when it does not end in time. The handle stays valid. A
/// transient domain no longer exists afterwards, nor does the metadata of its snapshots.
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

/// Removes the persistent definition of the domain.
///
/// A running domain becomes transient and keeps running. A managed save image, NVRAM, or the
/// metadata of snapshots and checkpoints of an inactive domain make the call fail, unless the
/// flags say what to do with them.
///
/// - `flags` (default 0, enum domain_undefine_flags): objects to remove or to keep along with
///   the definition
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

/// Reports whether the domain starts when the host boots.
///
/// - `autostart`: true if it does
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

/// Sets whether the domain starts when the host boots.
///
/// - `autostart`: 0 for no, any other value for yes
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
