// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's devices.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Conn, locate};
use crate::core::late::Late;
use crate::core::{NodeDevice, Text, call};
use crate::error::Result;

type FromXml =
    unsafe extern "C" fn(sys::virConnectPtr, *const c_char, c_uint) -> sys::virNodeDevicePtr;

// SAFETY: this is the function's type in libvirt's header.
static DEFINE: Late<FromXml> = unsafe { Late::new(c"virNodeDeviceDefineXML", "7.3.0") };

impl Conn {
    /// The devices that pass the filter `flags`; all when it is 0.
    pub fn list_all_node_devices(&self, flags: c_uint) -> Result<Vec<NodeDevice>> {
        // SAFETY: the pointer is live. Each object of the list is new and ours.
        unsafe {
            let conn = self.raw();
            call::objects(
                c"virConnectListAllNodeDevices",
                |array| sys::virConnectListAllNodeDevices(conn, array, flags),
                |raw| NodeDevice::adopt_from(raw, conn),
            )
        }
    }

    /// How many devices there are, of any kind or with the capability `cap`.
    pub fn num_of_node_devices(&self, cap: Option<&CStr>, flags: c_uint) -> Result<c_int> {
        let cap = cap.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the pointer is live; `cap` is NULL or a C string.
        let returned = unsafe { sys::virNodeNumOfDevices(self.raw(), cap, flags) };
        call::number(returned, c"virNodeNumOfDevices")
    }

    /// The names of devices, `max` at the most, of any kind or with the
    /// capability `cap`.
    pub fn list_node_device_names(
        &self,
        cap: Option<&CStr>,
        max: c_int,
        flags: c_uint,
    ) -> Result<Vec<Text>> {
        let cap = cap.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virNodeListDevices", max, "maxnames", |names, max| {
                sys::virNodeListDevices(self.raw(), cap, names, max, flags)
            })
        }
    }

    /// The device with this name.
    pub fn get_node_device_by_name(&self, name: &CStr) -> Result<NodeDevice> {
        // SAFETY: the pointer is live; a new object's reference is ours.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNodeDeviceLookupByName(conn, name.as_ptr());
            Ok(NodeDevice::adopt_from(
                call::pointer(raw, c"virNodeDeviceLookupByName")?.as_ptr(),
                conn,
            ))
        }
    }

    /// The SCSI host with these names of its node and port.
    pub fn get_node_device_scsihost_by_wwn(
        &self,
        wwnn: &CStr,
        wwpn: &CStr,
        flags: c_uint,
    ) -> Result<NodeDevice> {
        let (wwnn, wwpn) = (wwnn.as_ptr(), wwpn.as_ptr());
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNodeDeviceLookupSCSIHostByWWN(conn, wwnn, wwpn, flags);
            let device = call::pointer(raw, c"virNodeDeviceLookupSCSIHostByWWN")?;
            Ok(NodeDevice::adopt_from(device.as_ptr(), conn))
        }
    }

    /// Makes a device that is gone when it is destroyed.
    pub fn create_node_device(&self, xml: &CStr, flags: c_uint) -> Result<NodeDevice> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let conn = self.raw();
            let raw = sys::virNodeDeviceCreateXML(conn, xml.as_ptr(), flags);
            let device = call::pointer(raw, c"virNodeDeviceCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(NodeDevice::adopt_from(device.as_ptr(), conn))
        }
    }

    /// Defines a device without starting it.
    pub fn define_node_device(&self, xml: &CStr, flags: c_uint) -> Result<NodeDevice> {
        let define = DEFINE.get()?;
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let conn = self.raw();
            let raw = define(conn, xml.as_ptr(), flags);
            let device = call::pointer(raw, c"virNodeDeviceDefineXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(NodeDevice::adopt_from(device.as_ptr(), conn))
        }
    }
}
