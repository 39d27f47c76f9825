// SPDX-License-Identifier: LGPL-2.1-or-later
//! The networks of a connection.

use std::ffi::{CStr, c_char, c_int, c_uint};

use virt::sys;

use super::{Conn, locate, parse_uuid};
use crate::core::late::Late;
use crate::core::{Network, Text, call};
use crate::error::Result;

type FromXml =
    unsafe extern "C" fn(sys::virConnectPtr, *const c_char, c_uint) -> sys::virNetworkPtr;

// SAFETY: this is the functions' type in libvirt's header.
static DEFINE: Late<FromXml> = unsafe { Late::new(c"virNetworkDefineXMLFlags", "7.7.0") };
// SAFETY: this is the function's type in libvirt's header.
static CREATE: Late<FromXml> = unsafe { Late::new(c"virNetworkCreateXMLFlags", "7.8.0") };

impl Conn {
    /// The networks that pass the filter `flags`; all when it is 0.
    pub fn list_all_networks(&self, flags: c_uint) -> Result<Vec<Network>> {
        // SAFETY: the pointer is live. Each object of the list is new and ours.
        unsafe {
            call::objects(
                c"virConnectListAllNetworks",
                |array| sys::virConnectListAllNetworks(self.raw(), array, flags),
                |raw| Network::adopt(raw),
            )
        }
    }

    /// How many networks run.
    pub fn num_of_networks(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virConnectNumOfNetworks(self.raw()) },
            c"virConnectNumOfNetworks",
        )
    }

    /// How many networks are defined and do not run.
    pub fn num_of_defined_networks(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virConnectNumOfDefinedNetworks(self.raw()) },
            c"virConnectNumOfDefinedNetworks",
        )
    }

    /// The names of networks that run, `max` at the most.
    pub fn list_network_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virConnectListNetworks", max, "maxnames", |names, max| {
                sys::virConnectListNetworks(self.raw(), names, max)
            })
        }
    }

    /// The names of networks that are defined and do not run, `max` at the most.
    pub fn list_defined_network_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virConnectListDefinedNetworks", max, "maxnames", |names, max| {
                sys::virConnectListDefinedNetworks(self.raw(), names, max)
            })
        }
    }

    /// The network with this name.
    pub fn get_network_by_name(&self, name: &CStr) -> Result<Network> {
        // SAFETY: the pointer is live; a new object's reference is ours.
        unsafe {
            let raw = sys::virNetworkLookupByName(self.raw(), name.as_ptr());
            Ok(Network::adopt(call::pointer(raw, c"virNetworkLookupByName")?.as_ptr()))
        }
    }

    /// The network with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_network_by_uuid(&self, uuid: &[u8]) -> Result<Network> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: the pointer is live; the uuid is 16 bytes.
        unsafe {
            let raw = sys::virNetworkLookupByUUID(self.raw(), uuid.as_bytes().as_ptr());
            Ok(Network::adopt(call::pointer(raw, c"virNetworkLookupByUUID")?.as_ptr()))
        }
    }

    /// Defines a network without starting it.
    pub fn define_network(&self, xml: &CStr, flags: c_uint) -> Result<Network> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let (raw, function) = match flags {
                0 => (sys::virNetworkDefineXML(self.raw(), xml.as_ptr()), c"virNetworkDefineXML"),
                _ => (DEFINE.get()?(self.raw(), xml.as_ptr(), flags), c"virNetworkDefineXMLFlags"),
            };
            let network =
                call::pointer(raw, function).map_err(|error| locate(error, "xml", xml))?;
            Ok(Network::adopt(network.as_ptr()))
        }
    }

    /// Starts a network that is gone when it stops.
    pub fn create_network(&self, xml: &CStr, flags: c_uint) -> Result<Network> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let (raw, function) = match flags {
                0 => (sys::virNetworkCreateXML(self.raw(), xml.as_ptr()), c"virNetworkCreateXML"),
                _ => (CREATE.get()?(self.raw(), xml.as_ptr(), flags), c"virNetworkCreateXMLFlags"),
            };
            let network =
                call::pointer(raw, function).map_err(|error| locate(error, "xml", xml))?;
            Ok(Network::adopt(network.as_ptr()))
        }
    }
}
