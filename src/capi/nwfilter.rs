//! `vkvm_nwfilter_*`: network filters.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_nwfilter};
use crate::core::Text;

/// Adds a hold on the network filter handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_nwfilter_free`, or NULL
///   when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_ref(nwfilter: *mut vkvm_nwfilter) -> *mut vkvm_nwfilter {
    direct(std::ptr::null_mut(), |c| c.retain(nwfilter))
}

/// Gives up a hold on the network filter handle. NULL and handles that are not
/// live are left alone.
///
/// - `nwfilter` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_free(nwfilter: *mut vkvm_nwfilter) {
    void(|c| c.free(nwfilter))
}

/// Frees a list of network filters that a function returned, with its handles.
///
/// - `filters` (consumed, nullable): the list
/// - `filters_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_list_free(
    filters: *mut *mut vkvm_nwfilter,
    filters_len: usize,
) {
    void(|c| c.free_list(filters, filters_len))
}

/// Gets the name of the network filter.
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

/// Gets the uuid of the network filter as bytes.
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

/// Gets the uuid of the network filter as text.
///
/// - `uuid`: lower-case hex digits with hyphens, 36 characters
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

/// Gets the definition of the network filter.
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

/// Forgets the network filter. One that is in use cannot be forgotten.
///
/// libvirt: virNWFilterUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_undefine(
    nwfilter: *mut vkvm_nwfilter,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(nwfilter, "nwfilter")?.undefine())
}
