// SPDX-License-Identifier: LGPL-2.1-or-later
//! A network filter binding: the use of a filter on a network device.

use std::ffi::{CStr, c_uint};

use virt::sys;

use super::made_from::MadeFrom;
use super::object::{Counted, Pinned};
use super::{Text, call};
use crate::error::Result;

/// A network filter binding. It keeps its connection open.
pub struct NwFilterBinding(pub(super) MadeFrom<sys::virNWFilterBinding>);

// SAFETY: the functions are those for virNWFilterBinding. Of which connection it is, libvirt
// does not tell, so it is not found again when its connection is replaced.
unsafe impl Counted for sys::virNWFilterBinding {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virNWFilterBindingFree(this) };
    }

    unsafe fn conn(_: *mut Self) -> sys::virConnectPtr {
        std::ptr::null_mut()
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: both are live, by the caller; the name is a C string that lives as long.
        unsafe {
            let name = sys::virNWFilterBindingGetPortDev(this);
            sys::virNWFilterBindingLookupByPortDev(conn, name)
        }
    }
}

impl Pinned for NwFilterBinding {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.0.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.0.unpin(pin);
    }
}

impl NwFilterBinding {
    /// Takes over a binding and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid binding, and one reference to it is ours; it was made from `conn`.
    pub(crate) unsafe fn adopt(raw: sys::virNWFilterBindingPtr, conn: sys::virConnectPtr) -> Self {
        // SAFETY: as promised by the caller.
        NwFilterBinding(unsafe { MadeFrom::adopt(raw, conn) })
    }

    pub(crate) fn raw(&self) -> sys::virNWFilterBindingPtr {
        self.0.raw()
    }

    /// The name of the network device.
    pub fn get_port_dev(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the binding.
        unsafe {
            self.0.own_text(sys::virNWFilterBindingGetPortDev, c"virNWFilterBindingGetPortDev")
        }
    }

    /// The name of the filter.
    pub fn get_filter_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the binding.
        unsafe {
            self.0
                .own_text(sys::virNWFilterBindingGetFilterName, c"virNWFilterBindingGetFilterName")
        }
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virNWFilterBindingGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virNWFilterBindingGetXMLDesc(self.raw(), flags), function) }
    }

    /// Takes the filter off the device.
    pub fn delete(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virNWFilterBindingDelete(self.raw()) };
        call::done(returned, c"virNWFilterBindingDelete")
    }
}
