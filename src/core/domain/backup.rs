// SPDX-License-Identifier: LGPL-2.1-or-later
//! Copying a running domain's disks as they are at one time.

use std::ffi::{CStr, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, Text, call};
use crate::core::conn::locate;
use crate::error::Result;

impl Domain {
    /// Begins a backup, and with it a checkpoint if there is XML for one.
    pub fn backup_begin(
        &self,
        backup: &CStr,
        checkpoint: Option<&CStr>,
        flags: c_uint,
    ) -> Result<()> {
        let checkpoint_xml = checkpoint.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the pointer is live. libvirt takes NULL for no checkpoint.
        let returned = unsafe {
            sys::virDomainBackupBegin(self.raw(), backup.as_ptr(), checkpoint_xml, flags)
        };
        call::done(returned, c"virDomainBackupBegin").map_err(|error| {
            match checkpoint.filter(|_| crate::xml::check(&backup.to_string_lossy()).is_ok()) {
                Some(xml) => locate(error, "checkpointxml", xml),
                None => locate(error, "backupxml", backup),
            }
        })
    }

    /// The backup that is going on, as XML.
    pub fn backup_get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virDomainBackupGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virDomainBackupGetXMLDesc(self.raw(), flags), function) }
    }
}
