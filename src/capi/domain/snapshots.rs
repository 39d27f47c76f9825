// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's snapshots and checkpoints.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_domain_checkpoint, vkvm_domain_snapshot, vkvm_error};

/// Creates a snapshot of the domain.
///
/// Without flags a running domain's snapshot covers disks and memory, an inactive one's the
/// disks. The new snapshot becomes the current one, as a child of the previous one. If the call
/// fails, some disks may have changed, unless the flags contain
/// `VKVM_DOMAIN_SNAPSHOT_CREATE_ATOMIC`: then check the definition.
///
/// - `xml`: a `<domainsnapshot>` document
/// - `flags` (default 0, enum domain_snapshot_create_flags)
/// - `snapshot`: the snapshot
///
/// libvirt: virDomainSnapshotCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_create_snapshot(
    dom: *mut vkvm_domain,
    xml: *const c_char,
    flags: u32,
    snapshot: *mut *mut vkvm_domain_snapshot,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(snapshot, "snapshot")?;
        out.set(c.get(dom, "dom")?.create_snapshot(c.text(xml, "xml")?, flags)?)
    })
}

/// Lists the snapshots of the domain.
///
/// - `flags` (default 0, enum domain_snapshot_list_flags): filter; 0 means all
/// - `snapshots`: the snapshots
/// - `snapshots_len`: number of elements
///
/// libvirt: virDomainListAllSnapshots
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_list_all_snapshots(
    dom: *mut vkvm_domain,
    flags: u32,
    snapshots: *mut *mut *mut vkvm_domain_snapshot,
    snapshots_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(snapshots, snapshots_len, "snapshots", "snapshots_len")?;
        out.set(c.get(dom, "dom")?.list_all_snapshots(flags)?)
    })
}

/// Returns the current snapshot of the domain.
///
/// It is the parent of the next snapshot. A domain that has none is an error,
/// `VKVM_ERROR_ERR_NO_DOMAIN_SNAPSHOT`.
///
/// - `flags` (default 0): unused, pass 0
/// - `snapshot`: the snapshot
///
/// libvirt: virDomainSnapshotCurrent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_current_snapshot(
    dom: *mut vkvm_domain,
    flags: u32,
    snapshot: *mut *mut vkvm_domain_snapshot,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(snapshot, "snapshot")?;
        out.set(c.get(dom, "dom")?.current_snapshot(flags)?)
    })
}

/// Reports whether the domain has a current snapshot.
///
/// - `flags` (default 0): unused, pass 0
/// - `current`: true if it has
///
/// libvirt: virDomainHasCurrentSnapshot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_has_current_snapshot(
    dom: *mut vkvm_domain,
    flags: u32,
    current: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(current, "current")?;
        out.set(c.get(dom, "dom")?.has_current_snapshot(flags)?);
        Ok(())
    })
}

/// Looks up a snapshot of the domain by its name.
///
/// - `name`: the name
/// - `snapshot`: the snapshot
///
/// libvirt: virDomainSnapshotLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_snapshot_by_name(
    dom: *mut vkvm_domain,
    name: *const c_char,
    snapshot: *mut *mut vkvm_domain_snapshot,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(snapshot, "snapshot")?;
        out.set(c.get(dom, "dom")?.get_snapshot_by_name(c.text(name, "name")?)?)
    })
}

/// Returns the number of snapshots of the domain.
///
/// - `flags` (default 0, enum domain_snapshot_list_flags): filter; 0 means all
/// - `count`: number of snapshots
///
/// libvirt: virDomainSnapshotNum
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_num_of_snapshots(
    dom: *mut vkvm_domain,
    flags: u32,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(dom, "dom")?.num_of_snapshots(flags)?);
        Ok(())
    })
}

/// Lists the names of the snapshots of the domain.
///
/// `vkvm_domain_list_all_snapshots` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `flags` (default 0, enum domain_snapshot_list_flags): filter; 0 means all
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virDomainSnapshotListNames
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_list_snapshot_names(
    dom: *mut vkvm_domain,
    maxnames: c_int,
    flags: u32,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(dom, "dom")?.list_snapshot_names(maxnames, flags)?)
    })
}

/// Creates a checkpoint of the running domain.
///
/// From then on libvirt records which blocks of its disks change, for incremental backups. To
/// be of use for that, a checkpoint must be created together with a backup, by
/// `vkvm_domain_backup_begin`; alone, it mostly restores metadata
/// (`VKVM_DOMAIN_CHECKPOINT_CREATE_REDEFINE`).
///
/// - `xml`: a `<domaincheckpoint>` document
/// - `flags` (default 0, enum domain_checkpoint_create_flags)
/// - `checkpoint`: the checkpoint
///
/// libvirt: virDomainCheckpointCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_create_checkpoint(
    dom: *mut vkvm_domain,
    xml: *const c_char,
    flags: u32,
    checkpoint: *mut *mut vkvm_domain_checkpoint,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(checkpoint, "checkpoint")?;
        out.set(c.get(dom, "dom")?.create_checkpoint(c.text(xml, "xml")?, flags)?)
    })
}

/// Lists the checkpoints of the domain.
///
/// - `flags` (default 0, enum domain_checkpoint_list_flags): filter; 0 means all
/// - `checkpoints`: the checkpoints
/// - `checkpoints_len`: number of elements
///
/// libvirt: virDomainListAllCheckpoints
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_list_all_checkpoints(
    dom: *mut vkvm_domain,
    flags: u32,
    checkpoints: *mut *mut *mut vkvm_domain_checkpoint,
    checkpoints_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(checkpoints, checkpoints_len, "checkpoints", "checkpoints_len")?;
        out.set(c.get(dom, "dom")?.list_all_checkpoints(flags)?)
    })
}

/// Looks up a checkpoint of the domain by its name.
///
/// - `name`: the name
/// - `checkpoint`: the checkpoint
///
/// libvirt: virDomainCheckpointLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_checkpoint_by_name(
    dom: *mut vkvm_domain,
    name: *const c_char,
    checkpoint: *mut *mut vkvm_domain_checkpoint,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(checkpoint, "checkpoint")?;
        out.set(c.get(dom, "dom")?.get_checkpoint_by_name(c.text(name, "name")?)?)
    })
}
