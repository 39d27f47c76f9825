// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's snapshots and checkpoints.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr::NonNull;

use virt::sys;

use super::{Domain, Text, call};
use crate::core::conn::locate;
use crate::core::{DomainCheckpoint, DomainSnapshot};
use crate::error::Result;

impl Domain {
    /// Makes a snapshot.
    pub fn create_snapshot(&self, xml: &CStr, flags: c_uint) -> Result<DomainSnapshot> {
        // SAFETY: the pointer is live. A new snapshot's reference is ours.
        unsafe {
            let raw = sys::virDomainSnapshotCreateXML(self.raw(), xml.as_ptr(), flags);
            let snapshot = call::pointer(raw, c"virDomainSnapshotCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(DomainSnapshot::adopt(snapshot.as_ptr()))
        }
    }

    /// The snapshots that pass the filter `flags`; all when it is 0.
    pub fn list_all_snapshots(&self, flags: c_uint) -> Result<Vec<DomainSnapshot>> {
        // SAFETY: the pointer is live; on success the array holds that many new snapshots.
        unsafe {
            call::objects(
                c"virDomainListAllSnapshots",
                |array| sys::virDomainListAllSnapshots(self.raw(), array, flags),
                |raw| DomainSnapshot::adopt(raw),
            )
        }
    }

    /// The snapshot that new ones are children of.
    pub fn current_snapshot(&self, flags: c_uint) -> Result<DomainSnapshot> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virDomainSnapshotCurrent(self.raw(), flags);
            Ok(DomainSnapshot::adopt(call::pointer(raw, c"virDomainSnapshotCurrent")?.as_ptr()))
        }
    }

    /// Whether it has a current snapshot.
    pub fn has_current_snapshot(&self, flags: c_uint) -> Result<bool> {
        let function = c"virDomainHasCurrentSnapshot";
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virDomainHasCurrentSnapshot(self.raw(), flags) }, function)
    }

    /// The snapshot with this name.
    pub fn get_snapshot_by_name(&self, name: &CStr) -> Result<DomainSnapshot> {
        let function = c"virDomainSnapshotLookupByName";
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virDomainSnapshotLookupByName(self.raw(), name.as_ptr(), 0);
            Ok(DomainSnapshot::adopt(call::pointer(raw, function)?.as_ptr()))
        }
    }

    /// How many snapshots pass the filter `flags`.
    pub fn num_of_snapshots(&self, flags: c_uint) -> Result<c_int> {
        let function = c"virDomainSnapshotNum";
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virDomainSnapshotNum(self.raw(), flags) }, function)
    }

    /// The names of snapshots that pass the filter `flags`, `max` at the most.
    pub fn list_snapshot_names(&self, max: c_int, flags: c_uint) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the array has room for `len`, the names are ours.
        unsafe {
            call::names(c"virDomainSnapshotListNames", max, "maxnames", |array, len| {
                sys::virDomainSnapshotListNames(self.raw(), array, len, flags)
            })
        }
    }

    /// Makes a checkpoint.
    pub fn create_checkpoint(&self, xml: &CStr, flags: c_uint) -> Result<DomainCheckpoint> {
        // SAFETY: the pointer is live; a new checkpoint's reference is ours.
        unsafe {
            let raw = sys::virDomainCheckpointCreateXML(self.raw(), xml.as_ptr(), flags);
            let checkpoint = call::pointer(raw, c"virDomainCheckpointCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(DomainCheckpoint::adopt(checkpoint))
        }
    }

    /// The checkpoints that pass the filter `flags`; all when it is 0.
    pub fn list_all_checkpoints(&self, flags: c_uint) -> Result<Vec<DomainCheckpoint>> {
        // SAFETY: the pointer is live; on success the array holds that many new checkpoints,
        // none of them NULL.
        unsafe {
            call::objects(
                c"virDomainListAllCheckpoints",
                |array: *mut *mut NonNull<_>| {
                    sys::virDomainListAllCheckpoints(self.raw(), array.cast(), flags)
                },
                |raw| DomainCheckpoint::adopt(raw),
            )
        }
    }

    /// The checkpoint with this name.
    pub fn get_checkpoint_by_name(&self, name: &CStr) -> Result<DomainCheckpoint> {
        let function = c"virDomainCheckpointLookupByName";
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virDomainCheckpointLookupByName(self.raw(), name.as_ptr(), 0);
            Ok(DomainCheckpoint::adopt(call::pointer(raw, function)?))
        }
    }
}
