//! A network filter: rules for the traffic of network interfaces.

use std::ffi::{CStr, c_uint};
use std::ptr::NonNull;

use uuid::Uuid;
use virt::sys;

use super::object::{Counted, MadeFrom, Object, Pinned};
use super::{Text, call};
use crate::error::Result;

/// A network filter. It keeps its connection open.
pub struct NwFilter(Object<sys::virNWFilter>, MadeFrom);

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
        let mut uuid = [0; 16];
        // SAFETY: both are live, by the caller; there is room for a uuid.
        unsafe {
            sys::virNWFilterGetUUID(this, uuid.as_mut_ptr());
            sys::virNWFilterLookupByUUID(conn, uuid.as_ptr())
        }
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
    /// `raw` is a valid filter, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virNWFilterPtr) -> Self {
        // SAFETY: as promised by the caller.
        NwFilter(unsafe { Object::adopt(raw) }, MadeFrom(None))
    }

    /// The same, which knows the connection that it was made from.
    pub(crate) fn of(mut self, conn: sys::virConnectPtr) -> Self {
        self.1 = MadeFrom(NonNull::new(conn));
        self
    }

    /// The connection that it was made from, where that is known: not of one that came
    /// with an event.
    pub(crate) fn made_from(&self) -> Option<NonNull<sys::virConnect>> {
        self.1.0
    }

    pub(crate) fn raw(&self) -> sys::virNWFilterPtr {
        self.0.raw()
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: the pointer is live. The name is a C string that lives as long.
        unsafe {
            let name = sys::virNWFilterGetName(self.0.raw_here());
            let name = call::pointer(name.cast_mut(), c"virNWFilterGetName")?;
            Ok(CStr::from_ptr(name.as_ptr()))
        }
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        // SAFETY: the pointer is live; the buffer has room for a uuid.
        call::uuid(c"virNWFilterGetUUID", |buffer| unsafe {
            sys::virNWFilterGetUUID(self.0.raw_here(), buffer)
        })
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
