// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_nwfilter_binding_*`: the uses of network filters.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_nwfilter_binding};
use crate::core::Text;

/// Adds a reference to the network filter binding handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_nwfilter_binding_free`; NULL
///   when it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_ref(
    binding: *mut vkvm_nwfilter_binding,
) -> *mut vkvm_nwfilter_binding {
    direct(std::ptr::null_mut(), |c| c.retain(binding))
}

/// Releases a reference to the network filter binding handle.
///
/// The binding itself is not affected. NULL and handles that are not live are ignored.
///
/// - `binding` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_free(binding: *mut vkvm_nwfilter_binding) {
    void(|c| c.free(binding))
}

/// Frees a returned list of network filter bindings and releases its handles.
///
/// - `bindings` (consumed, nullable): the list
/// - `bindings_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_list_free(
    bindings: *mut *mut vkvm_nwfilter_binding,
    bindings_len: usize,
) {
    void(|c| c.free_list(bindings, bindings_len))
}

/// Returns the name of the network device that is filtered.
///
/// - `name`: the name, such as "vnet0"
///
/// libvirt: virNWFilterBindingGetPortDev
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_get_port_dev(
    binding: *mut vkvm_nwfilter_binding,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(binding, "binding")?.get_port_dev()?));
        Ok(())
    })
}

/// Returns the name of the network filter that is bound.
///
/// - `name`: the name
///
/// libvirt: virNWFilterBindingGetFilterName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_get_filter_name(
    binding: *mut vkvm_nwfilter_binding,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(binding, "binding")?.get_filter_name()?));
        Ok(())
    })
}

/// Returns the definition of the network filter binding as XML.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<filterbinding>` document
///
/// libvirt: virNWFilterBindingGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_get_xml_description(
    binding: *mut vkvm_nwfilter_binding,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(binding, "binding")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Removes the network filter from the network device.
///
/// The domain may go on running.
///
/// libvirt: virNWFilterBindingDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_delete(
    binding: *mut vkvm_nwfilter_binding,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(binding, "binding")?.delete())
}
