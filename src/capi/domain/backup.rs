// SPDX-License-Identifier: LGPL-2.1-or-later
//! Copying a running domain's disks as they are at one time.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Starts a backup job: a point-in-time copy of disks of the running domain.
///
/// In push mode the hypervisor writes the backup, and the job ends by itself. In pull mode it
/// exports the disks over NBD; a client reads them, and `vkvm_domain_abort_job` ends the job
/// when it is done. `vkvm_domain_get_job_stats` returns the progress, and the event
/// `VKVM_DOMAIN_EVENT_ID_JOB_COMPLETED` reports the end. A backup excludes other jobs of the
/// domain, such as migration, and block jobs of its disks.
///
/// - `backupxml`: a `<domainbackup>` document: mode, disks, destination
/// - `checkpointxml` (nullable): a `<domaincheckpoint>` document for a checkpoint at the same
///   point in time, on which the next incremental backup can be based
/// - `flags` (default 0, enum domain_backup_begin_flags)
///
/// libvirt: virDomainBackupBegin
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_backup_begin(
    dom: *mut vkvm_domain,
    backupxml: *const c_char,
    checkpointxml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let backup = c.text(backupxml, "backupxml")?;
        dom.backup_begin(backup, c.text_nullable(checkpointxml, "checkpointxml")?, flags)
    })
}

/// Returns the definition of the active backup job.
///
/// It contains the values that libvirt chose, such as the port in pull mode. A domain without a
/// backup job is an error.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<domainbackup>` document
///
/// libvirt: virDomainBackupGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_backup_get_xml_description(
    dom: *mut vkvm_domain,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(dom, "dom")?.backup_get_xml_description(flags)?);
        Ok(())
    })
}
