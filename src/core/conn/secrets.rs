// SPDX-License-Identifier: LGPL-2.1-or-later
//! The secrets of a connection.

use std::ffi::{CStr, c_int, c_uint};

use virt::sys;

use super::{Conn, locate, parse_uuid};
use crate::core::{Secret, Text, call};
use crate::error::Result;

impl Conn {
    /// The secrets that pass the filter `flags`; all when it is 0.
    pub fn list_all_secrets(&self, flags: c_uint) -> Result<Vec<Secret>> {
        // SAFETY: the pointer is live. On success the array holds that many new secrets.
        unsafe {
            call::objects(
                c"virConnectListAllSecrets",
                |array| sys::virConnectListAllSecrets(self.raw(), array, flags),
                |raw| Secret::adopt(raw),
            )
        }
    }

    /// How many secrets there are.
    pub fn num_of_secrets(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virConnectNumOfSecrets(self.raw()) }, c"virConnectNumOfSecrets")
    }

    /// The uuids of secrets as text, `max` at the most.
    pub fn list_secret_uuids(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the array has room for `len`, the texts are ours.
        unsafe {
            call::names(c"virConnectListSecrets", max, "maxuuids", |array, len| {
                sys::virConnectListSecrets(self.raw(), array, len)
            })
        }
    }

    /// The secret with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_secret_by_uuid(&self, uuid: &[u8]) -> Result<Secret> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: the pointer is live; the uuid is 16 bytes, a new secret's reference ours.
        unsafe {
            let raw = sys::virSecretLookupByUUID(self.raw(), uuid.as_bytes().as_ptr());
            Ok(Secret::adopt(call::pointer(raw, c"virSecretLookupByUUID")?.as_ptr()))
        }
    }

    /// The secret of a usage type (`SECRET_USAGE_TYPE_*`) with this usage id.
    pub fn get_secret_by_usage(&self, usage_type: c_int, id: &CStr) -> Result<Secret> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virSecretLookupByUsage(self.raw(), usage_type, id.as_ptr());
            Ok(Secret::adopt(call::pointer(raw, c"virSecretLookupByUsage")?.as_ptr()))
        }
    }

    /// Defines a secret, without its value, or changes its definition.
    pub fn define_secret(&self, xml: &CStr, flags: c_uint) -> Result<Secret> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virSecretDefineXML(self.raw(), xml.as_ptr(), flags);
            let secret = call::pointer(raw, c"virSecretDefineXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(Secret::adopt(secret.as_ptr()))
        }
    }
}
