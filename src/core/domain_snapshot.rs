// SPDX-License-Identifier: LGPL-2.1-or-later
//! A snapshot of a domain: its disks, and perhaps its memory, at one time.

use std::ffi::{CStr, c_int, c_uint};

use virt::sys;

use super::object::{Counted, Object, Pinned};
use super::{Conn, Domain, Text, call};
use crate::error::Result;

/// A snapshot. It keeps its domain's connection open.
pub struct DomainSnapshot {
    pub(super) object: Object<sys::virDomainSnapshot>,
}

// SAFETY: the functions are those for virDomainSnapshot.
unsafe impl Counted for sys::virDomainSnapshot {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virDomainSnapshotFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virDomainSnapshotGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: as promised by the caller; the domain that holds it is live while
        // it is, and what is found is freed.
        unsafe {
            let dom = Counted::find(sys::virDomainSnapshotGetDomain(this), conn);
            if dom.is_null() {
                return std::ptr::null_mut();
            }
            let found =
                sys::virDomainSnapshotLookupByName(dom, sys::virDomainSnapshotGetName(this), 0);
            sys::virDomainFree(dom);
            found
        }
    }
}

impl Pinned for DomainSnapshot {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl DomainSnapshot {
    /// Takes over a snapshot and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid snapshot, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virDomainSnapshotPtr) -> Self {
        // SAFETY: as promised by the caller.
        DomainSnapshot { object: unsafe { Object::adopt(raw) } }
    }

    pub(crate) fn raw(&self) -> sys::virDomainSnapshotPtr {
        self.object.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(
                sys::virDomainSnapshotGetConnect(self.object.raw_here()),
                c"virDomainSnapshotGetConnect",
            )
        }
    }

    /// The domain that it is of.
    pub fn get_domain(&self) -> Result<Domain> {
        // SAFETY: raw() is live while self is, and so is its domain; the added
        // reference is ours.
        unsafe {
            let domain = call::pointer(
                sys::virDomainSnapshotGetDomain(self.object.raw_here()),
                c"virDomainSnapshotGetDomain",
            )?;
            call::done(sys::virDomainRef(domain.as_ptr()), c"virDomainRef")?;
            Ok(Domain::adopt(domain.as_ptr()))
        }
    }

    /// The name; unique among the snapshots of its domain.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the snapshot.
        unsafe { self.object.own_text(sys::virDomainSnapshotGetName, c"virDomainSnapshotGetName") }
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virDomainSnapshotGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virDomainSnapshotGetXMLDesc(self.raw(), flags), function) }
    }

    /// Whether it is the snapshot that new ones are children of.
    pub fn is_current(&self, flags: c_uint) -> Result<bool> {
        let function = c"virDomainSnapshotIsCurrent";
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virDomainSnapshotIsCurrent(self.raw(), flags) }, function)
    }

    /// Whether libvirt keeps a definition of it.
    pub fn has_metadata(&self, flags: c_uint) -> Result<bool> {
        let function = c"virDomainSnapshotHasMetadata";
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virDomainSnapshotHasMetadata(self.raw(), flags) }, function)
    }

    /// The snapshot that was current when it was made.
    pub fn get_parent(&self, flags: c_uint) -> Result<DomainSnapshot> {
        // SAFETY: the pointer is live; a new snapshot's reference is ours.
        unsafe {
            let raw = sys::virDomainSnapshotGetParent(self.raw(), flags);
            Ok(Self::adopt(call::pointer(raw, c"virDomainSnapshotGetParent")?.as_ptr()))
        }
    }

    /// How many children pass the filter `flags`.
    pub fn num_of_child_snapshots(&self, flags: c_uint) -> Result<c_int> {
        let function = c"virDomainSnapshotNumChildren";
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virDomainSnapshotNumChildren(self.raw(), flags) }, function)
    }

    /// The names of children that pass the filter `flags`, `max` at the most.
    pub fn list_child_snapshot_names(&self, max: c_int, flags: c_uint) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the array has room for `len`, the names are ours.
        unsafe {
            call::names(c"virDomainSnapshotListChildrenNames", max, "maxnames", |array, len| {
                sys::virDomainSnapshotListChildrenNames(self.raw(), array, len, flags)
            })
        }
    }

    /// The children that pass the filter `flags`.
    pub fn list_all_children(&self, flags: c_uint) -> Result<Vec<DomainSnapshot>> {
        // SAFETY: the pointer is live; on success the array holds that many new snapshots.
        unsafe {
            call::objects(
                c"virDomainSnapshotListAllChildren",
                |array| sys::virDomainSnapshotListAllChildren(self.raw(), array, flags),
                |raw| Self::adopt(raw),
            )
        }
    }

    /// Makes its domain what it was.
    pub fn revert_to(&self, flags: c_uint) -> Result<()> {
        let function = c"virDomainRevertToSnapshot";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virDomainRevertToSnapshot(self.raw(), flags) }, function)
    }

    /// Removes it.
    pub fn delete(&self, flags: c_uint) -> Result<()> {
        let function = c"virDomainSnapshotDelete";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virDomainSnapshotDelete(self.raw(), flags) }, function)
    }
}
