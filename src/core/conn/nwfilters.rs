// SPDX-License-Identifier: LGPL-2.1-or-later
//! The network filters of a connection, and what they are bound to.

use std::ffi::{CStr, c_char, c_int, c_uint};

use virt::sys;

use super::{Conn, locate, parse_uuid};
use crate::core::late::Late;
use crate::core::{NwFilter, NwFilterBinding, Text, call};
use crate::error::Result;

type FromXml =
    unsafe extern "C" fn(sys::virConnectPtr, *const c_char, c_uint) -> sys::virNWFilterPtr;

// SAFETY: this is the function's type in libvirt's header.
static DEFINE: Late<FromXml> = unsafe { Late::new(c"virNWFilterDefineXMLFlags", "7.7.0") };

impl Conn {
    /// The filters; `flags` are unused.
    pub fn list_all_nwfilters(&self, flags: c_uint) -> Result<Vec<NwFilter>> {
        // SAFETY: the pointer is live. Each object of the list is new and ours.
        unsafe {
            let conn = self.raw();
            call::objects(
                c"virConnectListAllNWFilters",
                |array| sys::virConnectListAllNWFilters(conn, array, flags),
                |raw| NwFilter::adopt(raw, conn),
            )
        }
    }

    /// How many filters there are.
    pub fn num_of_nwfilters(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virConnectNumOfNWFilters(self.raw()) },
            c"virConnectNumOfNWFilters",
        )
    }

    /// The names of filters, `max` at the most.
    pub fn list_nwfilter_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virConnectListNWFilters", max, "maxnames", |names, max| {
                sys::virConnectListNWFilters(self.raw(), names, max)
            })
        }
    }

    /// The filter with this name.
    pub fn get_nwfilter_by_name(&self, name: &CStr) -> Result<NwFilter> {
        // SAFETY: the pointer is live; a new object's reference is ours.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNWFilterLookupByName(conn, name.as_ptr());
            Ok(NwFilter::adopt(call::pointer(raw, c"virNWFilterLookupByName")?.as_ptr(), conn))
        }
    }

    /// The filter with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_nwfilter_by_uuid(&self, uuid: &[u8]) -> Result<NwFilter> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: the pointer is live; the uuid is 16 bytes.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNWFilterLookupByUUID(conn, uuid.as_bytes().as_ptr());
            Ok(NwFilter::adopt(call::pointer(raw, c"virNWFilterLookupByUUID")?.as_ptr(), conn))
        }
    }

    /// Defines a filter, or changes its definition.
    pub fn define_nwfilter(&self, xml: &CStr, flags: c_uint) -> Result<NwFilter> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let conn = self.raw();
            let (raw, function) = match flags {
                0 => (sys::virNWFilterDefineXML(conn, xml.as_ptr()), c"virNWFilterDefineXML"),
                _ => (DEFINE.get()?(conn, xml.as_ptr(), flags), c"virNWFilterDefineXMLFlags"),
            };
            let filter = call::pointer(raw, function).map_err(|error| locate(error, "xml", xml))?;
            Ok(NwFilter::adopt(filter.as_ptr(), conn))
        }
    }

    /// The bindings; `flags` are unused.
    pub fn list_all_nwfilter_bindings(&self, flags: c_uint) -> Result<Vec<NwFilterBinding>> {
        // SAFETY: the pointer is live; each object of the list is new and ours.
        unsafe {
            let conn = self.raw();
            call::objects(
                c"virConnectListAllNWFilterBindings",
                |array| sys::virConnectListAllNWFilterBindings(conn, array, flags),
                |raw| NwFilterBinding::adopt(raw, conn),
            )
        }
    }

    /// The binding of this network device.
    pub fn get_nwfilter_binding_by_port_dev(&self, name: &CStr) -> Result<NwFilterBinding> {
        // SAFETY: the pointer is live; a new object's reference is ours.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNWFilterBindingLookupByPortDev(conn, name.as_ptr());
            Ok(NwFilterBinding::adopt(
                call::pointer(raw, c"virNWFilterBindingLookupByPortDev")?.as_ptr(),
                conn,
            ))
        }
    }

    /// Puts a filter on a network device.
    pub fn create_nwfilter_binding(&self, xml: &CStr, flags: c_uint) -> Result<NwFilterBinding> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNWFilterBindingCreateXML(conn, xml.as_ptr(), flags);
            let binding = call::pointer(raw, c"virNWFilterBindingCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(NwFilterBinding::adopt(binding.as_ptr(), conn))
        }
    }
}
