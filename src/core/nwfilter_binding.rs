//! A network filter binding: the use of a filter on a network device.

use std::ffi::{CStr, c_uint};
use std::ptr::NonNull;

use virt::sys;

use super::object::{Counted, MadeFrom, Object, Pinned};
use super::{Text, call};
use crate::error::Result;

/// A network filter binding. It keeps its connection open.
pub struct NwFilterBinding(Object<sys::virNWFilterBinding>, MadeFrom);

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
    /// `raw` is a valid binding, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virNWFilterBindingPtr) -> Self {
        // SAFETY: as promised by the caller.
        NwFilterBinding(unsafe { Object::adopt(raw) }, MadeFrom(None))
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

    pub(crate) fn raw(&self) -> sys::virNWFilterBindingPtr {
        self.0.raw()
    }

    /// The name of the network device.
    pub fn get_port_dev(&self) -> Result<&CStr> {
        // SAFETY: the pointer is live. The name is a C string that lives as long.
        unsafe {
            let name = sys::virNWFilterBindingGetPortDev(self.0.raw_here());
            let name = call::pointer(name.cast_mut(), c"virNWFilterBindingGetPortDev")?;
            Ok(CStr::from_ptr(name.as_ptr()))
        }
    }

    /// The name of the filter.
    pub fn get_filter_name(&self) -> Result<&CStr> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let name = sys::virNWFilterBindingGetFilterName(self.0.raw_here());
            let name = call::pointer(name.cast_mut(), c"virNWFilterBindingGetFilterName")?;
            Ok(CStr::from_ptr(name.as_ptr()))
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
