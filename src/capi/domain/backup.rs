//! Copying a running domain's disks as they are at one time.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Begins to copy the disks of the running domain as they are now.
///
/// The copy is a job: `vkvm_domain_get_job_stats` tells how far it is,
/// `vkvm_domain_abort_job` ends it. Of a copy in push mode, libvirt writes the files by
/// itself; in pull mode, a client fetches the data, and ends the job when it has them.
///
/// - `backupxml`: a `<domainbackup>` document: the mode, which disks, and where to
/// - `checkpointxml` (nullable): a `<domaincheckpoint>` document, for a checkpoint of the
///   same moment, from which the next backup can be incremental
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

/// Gets the definition of the backup that is going on.
///
/// It has what libvirt filled in, too, like the port for a backup in pull mode.
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
