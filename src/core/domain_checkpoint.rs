// SPDX-License-Identifier: LGPL-2.1-or-later
//! A checkpoint of a domain: a point in time since which it is known what
//! changed on its disks.

use std::ffi::{CStr, c_uint};
use std::ptr::NonNull;

use virt::sys;

use super::object::{Counted, Object, Pinned};
use super::{Conn, Domain, Text, call};
use crate::error::Result;

/// A checkpoint. It keeps its domain's connection open.
pub struct DomainCheckpoint(pub(super) Object<sys::virDomainCheckpoint>);

// SAFETY: the functions are those for virDomainCheckpoint.
unsafe impl Counted for sys::virDomainCheckpoint {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virDomainCheckpointFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virDomainCheckpointGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: as promised by the caller; the domain that holds it is live while
        // it is, and what is found is freed.
        unsafe {
            let dom = Counted::find(sys::virDomainCheckpointGetDomain(this), conn);
            if dom.is_null() {
                return std::ptr::null_mut();
            }
            let found =
                sys::virDomainCheckpointLookupByName(dom, sys::virDomainCheckpointGetName(this), 0);
            sys::virDomainFree(dom);
            found
        }
    }
}

impl Pinned for DomainCheckpoint {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.0.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.0.unpin(pin);
    }
}

impl DomainCheckpoint {
    /// Takes over a checkpoint and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid checkpoint, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: NonNull<sys::virDomainCheckpoint>) -> Self {
        // SAFETY: as promised by the caller.
        DomainCheckpoint(unsafe { Object::adopt(raw.as_ptr()) })
    }

    pub(crate) fn raw(&self) -> sys::virDomainCheckpointPtr {
        self.0.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(
                sys::virDomainCheckpointGetConnect(self.0.raw_here()),
                c"virDomainCheckpointGetConnect",
            )
        }
    }

    /// The domain that it is of.
    pub fn get_domain(&self) -> Result<Domain> {
        // SAFETY: raw() is live while self is, and so is its domain; the added
        // reference is ours.
        unsafe {
            let domain = call::pointer(
                sys::virDomainCheckpointGetDomain(self.0.raw_here()),
                c"virDomainCheckpointGetDomain",
            )?;
            call::done(sys::virDomainRef(domain.as_ptr()), c"virDomainRef")?;
            Ok(Domain::adopt(domain.as_ptr()))
        }
    }

    /// The name; unique among the checkpoints of its domain.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the checkpoint.
        unsafe { self.0.own_text(sys::virDomainCheckpointGetName, c"virDomainCheckpointGetName") }
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virDomainCheckpointGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virDomainCheckpointGetXMLDesc(self.raw(), flags), function) }
    }

    /// The checkpoint that was made before it.
    pub fn get_parent(&self, flags: c_uint) -> Result<DomainCheckpoint> {
        // SAFETY: the pointer is live; a new checkpoint's reference is ours.
        unsafe {
            let raw = sys::virDomainCheckpointGetParent(self.raw(), flags);
            Ok(Self::adopt(call::pointer(raw, c"virDomainCheckpointGetParent")?))
        }
    }

    /// The children that pass the filter `flags`.
    pub fn list_all_children(&self, flags: c_uint) -> Result<Vec<DomainCheckpoint>> {
        // SAFETY: the pointer is live; on success the array holds that many new checkpoints,
        // none of them NULL.
        unsafe {
            call::objects(
                c"virDomainCheckpointListAllChildren",
                |array: *mut *mut NonNull<_>| {
                    sys::virDomainCheckpointListAllChildren(self.raw(), array.cast(), flags)
                },
                |raw| Self::adopt(raw),
            )
        }
    }

    /// Removes it.
    pub fn delete(&self, flags: c_uint) -> Result<()> {
        let function = c"virDomainCheckpointDelete";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virDomainCheckpointDelete(self.raw(), flags) }, function)
    }
}
