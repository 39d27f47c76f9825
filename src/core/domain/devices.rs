// SPDX-License-Identifier: LGPL-2.1-or-later
//! Devices that come and go.

use std::ffi::{CStr, c_uint};

use virt::sys;

use super::{Domain, call};
use crate::core::conn::locate;
use crate::error::Result;

impl Domain {
    /// Adds a device.
    pub fn attach_device(&self, xml: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let attached = unsafe {
            match flags {
                0 => {
                    let returned = sys::virDomainAttachDevice(self.raw(), xml.as_ptr());
                    call::done(returned, c"virDomainAttachDevice")
                }
                _ => {
                    let returned = sys::virDomainAttachDeviceFlags(self.raw(), xml.as_ptr(), flags);
                    call::done(returned, c"virDomainAttachDeviceFlags")
                }
            }
        };
        attached.map_err(|error| locate(error, "xml", xml))
    }

    /// Removes the device that a document describes.
    pub fn detach_device(&self, xml: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let detached = unsafe {
            match flags {
                0 => {
                    let returned = sys::virDomainDetachDevice(self.raw(), xml.as_ptr());
                    call::done(returned, c"virDomainDetachDevice")
                }
                _ => {
                    let returned = sys::virDomainDetachDeviceFlags(self.raw(), xml.as_ptr(), flags);
                    call::done(returned, c"virDomainDetachDeviceFlags")
                }
            }
        };
        detached.map_err(|error| locate(error, "xml", xml))
    }

    /// Removes the device with an alias.
    pub fn detach_device_alias(&self, alias: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { sys::virDomainDetachDeviceAlias(self.raw(), alias.as_ptr(), flags) };
        call::done(returned, c"virDomainDetachDeviceAlias")
    }

    /// Changes a device.
    pub fn update_device(&self, xml: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { sys::virDomainUpdateDeviceFlags(self.raw(), xml.as_ptr(), flags) };
        call::done(returned, c"virDomainUpdateDeviceFlags")
            .map_err(|error| locate(error, "xml", xml))
    }
}
