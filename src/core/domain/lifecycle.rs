// SPDX-License-Identifier: LGPL-2.1-or-later
//! Starting, stopping and forgetting a domain.

use std::ffi::{c_int, c_uint};

use virt::sys;

use super::{Domain, call};
use crate::error::Result;

impl Domain {
    /// Starts a defined domain.
    pub fn create(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match flags {
                0 => call::done(sys::virDomainCreate(self.raw()), c"virDomainCreate"),
                _ => {
                    let returned = sys::virDomainCreateWithFlags(self.raw(), flags);
                    call::done(returned, c"virDomainCreateWithFlags")
                }
            }
        }
    }

    /// Stops the virtual CPUs, keeping memory.
    pub fn suspend(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virDomainSuspend(self.raw()) }, c"virDomainSuspend")
    }

    /// Lets a suspended domain go on.
    pub fn resume(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virDomainResume(self.raw()) }, c"virDomainResume")
    }

    /// Asks the guest to restart.
    pub fn reboot(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virDomainReboot(self.raw(), flags) }, c"virDomainReboot")
    }

    /// Asks the guest to shut down.
    pub fn shutdown(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match flags {
                0 => call::done(sys::virDomainShutdown(self.raw()), c"virDomainShutdown"),
                _ => {
                    let returned = sys::virDomainShutdownFlags(self.raw(), flags);
                    call::done(returned, c"virDomainShutdownFlags")
                }
            }
        }
    }

    /// Stops the domain at once.
    pub fn destroy(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match flags {
                0 => call::done(sys::virDomainDestroy(self.raw()), c"virDomainDestroy"),
                _ => {
                    let returned = sys::virDomainDestroyFlags(self.raw(), flags);
                    call::done(returned, c"virDomainDestroyFlags")
                }
            }
        }
    }

    /// Forgets the definition.
    pub fn undefine(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match flags {
                0 => call::done(sys::virDomainUndefine(self.raw()), c"virDomainUndefine"),
                _ => {
                    let returned = sys::virDomainUndefineFlags(self.raw(), flags);
                    call::done(returned, c"virDomainUndefineFlags")
                }
            }
        }
    }

    /// Whether it starts with the host.
    pub fn get_autostart(&self) -> Result<bool> {
        let mut autostart = 0;
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virDomainGetAutostart(self.raw(), &mut autostart) };
        call::done(returned, c"virDomainGetAutostart")?;
        Ok(autostart != 0)
    }

    /// Sets whether it starts with the host.
    pub fn set_autostart(&self, autostart: bool) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainSetAutostart(self.raw(), c_int::from(autostart)) };
        call::done(returned, c"virDomainSetAutostart")
    }
}
