// SPDX-License-Identifier: LGPL-2.1-or-later
//! A network filter: rules for the traffic of network interfaces.

use std::ffi::{CStr, c_uint};

use uuid::Uuid;
use virt::sys;

use super::made_from::MadeFrom;
use super::named::find_by_uuid;
use super::object::{Counted, Pinned};
use super::{Text, call};
use crate::error::Result;

/// A network filter. It keeps its connection open.
pub struct NwFilter(pub(super) MadeFrom<sys::virNWFilter>);

// SAFETY: the functions are those for virNWFilter. Of which connection it is, libvirt
// does not tell, so it is not found again when its connection is replaced.
unsafe impl Counted for sys::virNWFilter {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virNWFilterFree(this) };
    }

    unsafe fn conn(_: *mut Self) -> sys::virConnectPtr {
        std::ptr::null_mut()
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        let (get, look_up) = (sys::virNWFilterGetUUID, sys::virNWFilterLookupByUUID);
        // SAFETY: as promised by the caller.
        unsafe { find_by_uuid(this, conn, get, look_up) }
    }
}

impl Pinned for NwFilter {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.0.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.0.unpin(pin);
    }
}

impl NwFilter {
    /// Takes over a filter and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid filter, and one reference to it is ours; it was made from `conn`.
    pub(crate) unsafe fn adopt(raw: sys::virNWFilterPtr, conn: sys::virConnectPtr) -> Self {
        // SAFETY: as promised by the caller.
        NwFilter(unsafe { MadeFrom::adopt(raw, conn) })
    }

    pub(crate) fn raw(&self) -> sys::virNWFilterPtr {
        self.0.raw()
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the filter.
        unsafe { self.0.own_text(sys::virNWFilterGetName, c"virNWFilterGetName") }
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        // SAFETY: libvirt writes the uuid.
        unsafe { self.0.own_uuid(sys::virNWFilterGetUUID, c"virNWFilterGetUUID") }
    }

    /// The uuid as lower-case text with hyphens.
    pub fn get_uuid_string(&self) -> Result<Text> {
        self.get_uuid().map(Text::from_uuid)
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virNWFilterGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virNWFilterGetXMLDesc(self.raw(), flags), function) }
    }

    /// Forgets the definition.
    pub fn undefine(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNWFilterUndefine(self.raw()) }, c"virNWFilterUndefine")
    }
}
