// SPDX-License-Identifier: LGPL-2.1-or-later
//! A network interface of the host.

use std::ffi::{CStr, c_uint};

use virt::sys;

use super::object::{Counted, Object, Pinned};
use super::{Conn, Text, call};
use crate::error::Result;

/// A network interface of the host. It keeps its connection open.
pub struct Interface(pub(super) Object<sys::virInterface>);

// SAFETY: the functions are those for virInterface.
unsafe impl Counted for sys::virInterface {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virInterfaceFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virInterfaceGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: as promised by the caller; libvirt fails for a text that is NULL.
        unsafe { sys::virInterfaceLookupByName(conn, sys::virInterfaceGetName(this)) }
    }
}

impl Pinned for Interface {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.0.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.0.unpin(pin);
    }
}

impl Interface {
    /// Takes over an interface and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid interface, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virInterfacePtr) -> Self {
        // SAFETY: as promised by the caller.
        Interface(unsafe { Object::adopt(raw) })
    }

    pub(crate) fn raw(&self) -> sys::virInterfacePtr {
        self.0.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(sys::virInterfaceGetConnect(self.0.raw_here()), c"virInterfaceGetConnect")
        }
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the interface.
        unsafe { self.0.own_text(sys::virInterfaceGetName, c"virInterfaceGetName") }
    }

    /// The hardware address.
    pub fn get_mac(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the interface.
        unsafe { self.0.own_text(sys::virInterfaceGetMACString, c"virInterfaceGetMACString") }
    }

    /// The state or the definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virInterfaceGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virInterfaceGetXMLDesc(self.raw(), flags), function) }
    }

    /// Whether it is up.
    pub fn is_active(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virInterfaceIsActive(self.raw()) }, c"virInterfaceIsActive")
    }

    /// Brings it up.
    pub fn create(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virInterfaceCreate(self.raw(), flags) }, c"virInterfaceCreate")
    }

    /// Takes it down.
    pub fn destroy(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virInterfaceDestroy(self.raw(), flags) }, c"virInterfaceDestroy")
    }

    /// Forgets the definition.
    pub fn undefine(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virInterfaceUndefine(self.raw()) }, c"virInterfaceUndefine")
    }
}
