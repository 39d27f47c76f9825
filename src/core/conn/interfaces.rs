// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's network interfaces.

use std::ffi::{CStr, c_int, c_uint};

use virt::sys;

use super::{Conn, locate};
use crate::core::{Interface, Text, call};
use crate::error::Result;

impl Conn {
    /// The interfaces that pass the filter `flags`; all when it is 0.
    pub fn list_all_interfaces(&self, flags: c_uint) -> Result<Vec<Interface>> {
        // SAFETY: the pointer is live. Each object of the list is new and ours.
        unsafe {
            call::objects(
                c"virConnectListAllInterfaces",
                |array| sys::virConnectListAllInterfaces(self.raw(), array, flags),
                |raw| Interface::adopt(raw),
            )
        }
    }

    /// How many interfaces are up.
    pub fn num_of_interfaces(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virConnectNumOfInterfaces(self.raw()) },
            c"virConnectNumOfInterfaces",
        )
    }

    /// How many interfaces are defined and down.
    pub fn num_of_defined_interfaces(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virConnectNumOfDefinedInterfaces(self.raw()) },
            c"virConnectNumOfDefinedInterfaces",
        )
    }

    /// The names of interfaces that are up, `max` at the most.
    pub fn list_interface_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virConnectListInterfaces", max, "maxnames", |names, max| {
                sys::virConnectListInterfaces(self.raw(), names, max)
            })
        }
    }

    /// The names of interfaces that are defined and down, `max` at the most.
    pub fn list_defined_interface_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virConnectListDefinedInterfaces", max, "maxnames", |names, max| {
                sys::virConnectListDefinedInterfaces(self.raw(), names, max)
            })
        }
    }

    /// The interface with this name.
    pub fn get_interface_by_name(&self, name: &CStr) -> Result<Interface> {
        // SAFETY: the pointer is live; a new object's reference is ours.
        unsafe {
            let raw = sys::virInterfaceLookupByName(self.raw(), name.as_ptr());
            Ok(Interface::adopt(call::pointer(raw, c"virInterfaceLookupByName")?.as_ptr()))
        }
    }

    /// The interface with this hardware address.
    pub fn get_interface_by_mac(&self, mac: &CStr) -> Result<Interface> {
        // SAFETY: the pointer is live; a new object's reference is ours.
        unsafe {
            let raw = sys::virInterfaceLookupByMACString(self.raw(), mac.as_ptr());
            Ok(Interface::adopt(call::pointer(raw, c"virInterfaceLookupByMACString")?.as_ptr()))
        }
    }

    /// Defines an interface without bringing it up.
    pub fn define_interface(&self, xml: &CStr, flags: c_uint) -> Result<Interface> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virInterfaceDefineXML(self.raw(), xml.as_ptr(), flags);
            let interface = call::pointer(raw, c"virInterfaceDefineXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(Interface::adopt(interface.as_ptr()))
        }
    }

    /// The same without flags, under an older name.
    pub fn create_interface(&self, xml: &CStr) -> Result<Interface> {
        self.define_interface(xml, 0)
    }

    /// Keeps a copy of the definitions to roll back to.
    pub fn interface_change_begin(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virInterfaceChangeBegin(self.raw(), flags) };
        call::done(returned, c"virInterfaceChangeBegin")
    }

    /// Throws the copy away.
    pub fn interface_change_commit(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virInterfaceChangeCommit(self.raw(), flags) };
        call::done(returned, c"virInterfaceChangeCommit")
    }

    /// Goes back to the copy.
    pub fn interface_change_rollback(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virInterfaceChangeRollback(self.raw(), flags) };
        call::done(returned, c"virInterfaceChangeRollback")
    }
}
