//! `vkvm_nwfilter_binding_*`: the uses of network filters.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_error, vkvm_nwfilter_binding};
use crate::core::Text;

/// Adds a hold on the network filter binding handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_nwfilter_binding_free`, or
///   NULL when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_ref(
    binding: *mut vkvm_nwfilter_binding,
) -> *mut vkvm_nwfilter_binding {
    direct(std::ptr::null_mut(), |c| c.retain(binding))
}

/// Gives up a hold on the network filter binding handle. NULL and handles that
/// are not live are left alone.
///
/// - `binding` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_free(binding: *mut vkvm_nwfilter_binding) {
    void(|c| c.free(binding))
}

/// Frees a list of network filter bindings that a function returned, with its handles.
///
/// - `bindings` (consumed, nullable): the list
/// - `bindings_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_list_free(
    bindings: *mut *mut vkvm_nwfilter_binding,
    bindings_len: usize,
) {
    void(|c| c.free_list(bindings, bindings_len))
}

/// Gets the name of the network device that is filtered.
///
/// - `name`: the name, like "vnet0"
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

/// Gets the name of the filter.
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

/// Gets the definition of the network filter binding.
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

/// Takes the filter off the network device.
///
/// libvirt: virNWFilterBindingDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_nwfilter_binding_delete(
    binding: *mut vkvm_nwfilter_binding,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(binding, "binding")?.delete())
}
