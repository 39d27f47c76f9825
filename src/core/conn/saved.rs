// SPDX-License-Identifier: LGPL-2.1-or-later
//! Domains that were saved to files, and native configurations.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Conn, locate, locate_nullable};
use crate::core::domain::save;
use crate::core::late::Late;
use crate::core::{Text, call};
use crate::error::Result;
use crate::value::Map;

type RestoreParams =
    unsafe extern "C" fn(sys::virConnectPtr, sys::virTypedParameterPtr, c_int, c_uint) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static RESTORE_PARAMS: Late<RestoreParams> =
    unsafe { Late::new(c"virDomainRestoreParams", "8.4.0") };

impl Conn {
    /// A domain's XML out of a native configuration.
    pub fn domain_xml_from_native(
        &self,
        format: &CStr,
        config: &CStr,
        flags: c_uint,
    ) -> Result<Text> {
        let (format, config) = (format.as_ptr(), config.as_ptr());
        // SAFETY: raw() is live while self is; the text is new and ours. So in all
        // calls below.
        unsafe {
            let returned = sys::virConnectDomainXMLFromNative(self.raw(), format, config, flags);
            call::text(returned, c"virConnectDomainXMLFromNative")
        }
    }

    /// A native configuration out of a domain's XML.
    pub fn domain_xml_to_native(&self, format: &CStr, xml: &CStr, flags: c_uint) -> Result<Text> {
        let format = format.as_ptr();
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let returned =
                sys::virConnectDomainXMLToNative(self.raw(), format, xml.as_ptr(), flags);
            call::text(returned, c"virConnectDomainXMLToNative")
                .map_err(|error| locate(error, "xmldata", xml))
        }
    }

    /// The XML of the domain in a file.
    pub fn get_save_image_xml_description(&self, file: &CStr, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let returned = sys::virDomainSaveImageGetXMLDesc(self.raw(), file.as_ptr(), flags);
            call::text(returned, c"virDomainSaveImageGetXMLDesc")
        }
    }

    /// Replaces the XML of the domain in a file.
    pub fn define_save_image_xml(&self, file: &CStr, xml: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe {
            sys::virDomainSaveImageDefineXML(self.raw(), file.as_ptr(), xml.as_ptr(), flags)
        };
        call::done(returned, c"virDomainSaveImageDefineXML")
            .map_err(|error| locate(error, "xml", xml))
    }

    /// Starts the domain in a file, with other XML if there is some. What is
    /// given here goes before what `params` say.
    pub fn restore_domain(
        &self,
        from: Option<&CStr>,
        dxml: Option<&CStr>,
        params: Option<Map>,
        flags: c_uint,
    ) -> Result<()> {
        let place = |error| locate_nullable(error, "dxml", dxml);
        if let Some(params) = params {
            let params = save::typed(params, from, dxml)?;
            let (array, len) = params.as_raw();
            // SAFETY: the pointer is live; the array holds `len` parameters.
            let returned = unsafe { RESTORE_PARAMS.get()?(self.raw(), array, len, flags) };
            return call::done(returned, c"virDomainRestoreParams").map_err(place);
        }
        let from = save::needed(from, "from")?;
        // SAFETY: the pointer is live; libvirt takes NULL for no other XML.
        unsafe {
            if dxml.is_none() && flags == 0 {
                return call::done(
                    sys::virDomainRestore(self.raw(), from.as_ptr()),
                    c"virDomainRestore",
                );
            }
            let xml = dxml.map_or(ptr::null(), CStr::as_ptr);
            let returned = sys::virDomainRestoreFlags(self.raw(), from.as_ptr(), xml, flags);
            call::done(returned, c"virDomainRestoreFlags").map_err(place)
        }
    }
}
