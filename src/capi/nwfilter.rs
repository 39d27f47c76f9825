// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_nwfilter_*`: network filters.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_nwfilter};
use crate::core::Text;

/// Adds a reference to the network filter handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_nwfilter_free`; NULL when it
///   is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_ref(nwfilter: *mut vkvm_nwfilter) -> *mut vkvm_nwfilter {
    direct(std::ptr::null_mut(), |c| c.retain(nwfilter))
}

/// Releases a reference to the network filter handle.
///
/// The filter itself is not affected. NULL and handles that are not live are ignored.
///
/// - `nwfilter` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_free(nwfilter: *mut vkvm_nwfilter) {
    void(|c| c.free(nwfilter))
}

/// Frees a returned list of network filters and releases its handles.
///
/// - `filters` (consumed, nullable): the list
/// - `filters_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_list_free(
    filters: *mut *mut vkvm_nwfilter,
    filters_len: usize,
) {
    void(|c| c.free_list(filters, filters_len))
}

/// Returns the name of the network filter.
///
/// - `name`: the name
///
/// libvirt: virNWFilterGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_get_name(
    nwfilter: *mut vkvm_nwfilter,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(nwfilter, "nwfilter")?.get_name()?));
        Ok(())
    })
}

/// Returns the UUID of the network filter as bytes.
///
/// - `uuid`: the 16 raw bytes
/// - `uuid_len`: 16
///
/// libvirt: virNWFilterGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_get_uuid(
    nwfilter: *mut vkvm_nwfilter,
    uuid: *mut *mut u8,
    uuid_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(uuid, uuid_len, "uuid", "uuid_len")?;
        out.set(c.get(nwfilter, "nwfilter")?.get_uuid()?.as_bytes())
    })
}

/// Returns the UUID of the network filter as text.
///
/// - `uuid`: the UUID in lower-case hexadecimal digits with hyphens, 36 characters
///
/// libvirt: virNWFilterGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_get_uuid_string(
    nwfilter: *mut vkvm_nwfilter,
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uuid, "uuid")?;
        out.set(c.get(nwfilter, "nwfilter")?.get_uuid_string()?);
        Ok(())
    })
}

/// Returns the definition of the network filter as XML.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<filter>` document
///
/// libvirt: virNWFilterGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_get_xml_description(
    nwfilter: *mut vkvm_nwfilter,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(nwfilter, "nwfilter")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Removes the definition of the network filter.
///
/// A filter that a running domain uses cannot be removed.
///
/// libvirt: virNWFilterUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_undefine(
    nwfilter: *mut vkvm_nwfilter,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(nwfilter, "nwfilter")?.undefine())
}
