// SPDX-License-Identifier: LGPL-2.1-or-later
//! The network filters of a connection, and their bindings.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_nwfilter, vkvm_nwfilter_binding};

/// Lists the network filters.
///
/// - `flags` (default 0): unused, pass 0
/// - `filters`: the filters
/// - `filters_len`: number of elements
///
/// libvirt: virConnectListAllNWFilters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_nwfilters(
    conn: *mut vkvm_conn,
    flags: u32,
    filters: *mut *mut *mut vkvm_nwfilter,
    filters_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(filters, filters_len, "filters", "filters_len")?;
        out.set(c.get(conn, "conn")?.list_all_nwfilters(flags)?)
    })
}

/// Returns the number of network filters.
///
/// - `count`: number of filters
///
/// libvirt: virConnectNumOfNWFilters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_nwfilters(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_nwfilters()?);
        Ok(())
    })
}

/// Lists the names of the network filters.
///
/// `vkvm_conn_list_all_nwfilters` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListNWFilters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_nwfilter_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_nwfilter_names(maxnames)?)
    })
}

/// Looks up a network filter by its name.
///
/// - `name`: the name
/// - `nwfilter`: the filter
///
/// libvirt: virNWFilterLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_nwfilter_by_name(
    conn: *mut vkvm_conn,
    name: *const c_char,
    nwfilter: *mut *mut vkvm_nwfilter,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(nwfilter, "nwfilter")?;
        out.set(c.get(conn, "conn")?.get_nwfilter_by_name(c.text(name, "name")?)?)
    })
}

/// Looks up a network filter by its UUID.
///
/// - `uuid`: 16 raw bytes, or 32 hexadecimal digits as text, with or without hyphens
/// - `uuid_len`: number of bytes: 16, 32 or 36
/// - `nwfilter`: the filter
///
/// libvirt: virNWFilterLookupByUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_nwfilter_by_uuid(
    conn: *mut vkvm_conn,
    uuid: *const c_void,
    uuid_len: usize,
    nwfilter: *mut *mut vkvm_nwfilter,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(nwfilter, "nwfilter")?;
        out.set(c.get(conn, "conn")?.get_nwfilter_by_uuid(c.bytes(uuid, uuid_len, "uuid")?)?)
    })
}

/// Defines a network filter, or changes its definition.
///
/// - `xml`: a `<filter>` document
/// - `flags` (default 0, enum nwfilter_define_flags, since 7.7.0)
/// - `nwfilter`: the filter
///
/// libvirt: virNWFilterDefineXML, virNWFilterDefineXMLFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_nwfilter(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    nwfilter: *mut *mut vkvm_nwfilter,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(nwfilter, "nwfilter")?;
        out.set(c.get(conn, "conn")?.define_nwfilter(c.text(xml, "xml")?, flags)?)
    })
}

/// Lists the network filter bindings: which network devices are filtered.
///
/// - `flags` (default 0): unused, pass 0
/// - `bindings`: the bindings
/// - `bindings_len`: number of elements
///
/// libvirt: virConnectListAllNWFilterBindings
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_nwfilter_bindings(
    conn: *mut vkvm_conn,
    flags: u32,
    bindings: *mut *mut *mut vkvm_nwfilter_binding,
    bindings_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(bindings, bindings_len, "bindings", "bindings_len")?;
        out.set(c.get(conn, "conn")?.list_all_nwfilter_bindings(flags)?)
    })
}

/// Looks up the network filter binding of a network device.
///
/// - `name`: name of the device, such as "vnet0"
/// - `binding`: the binding
///
/// libvirt: virNWFilterBindingLookupByPortDev
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_nwfilter_binding_by_port_dev(
    conn: *mut vkvm_conn,
    name: *const c_char,
    binding: *mut *mut vkvm_nwfilter_binding,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(binding, "binding")?;
        out.set(c.get(conn, "conn")?.get_nwfilter_binding_by_port_dev(c.text(name, "name")?)?)
    })
}

/// Binds a network filter to a network device.
///
/// - `xml`: a `<filterbinding>` document
/// - `flags` (default 0, enum nwfilter_binding_create_flags)
/// - `binding`: the binding
///
/// libvirt: virNWFilterBindingCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_nwfilter_binding(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    binding: *mut *mut vkvm_nwfilter_binding,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(binding, "binding")?;
        out.set(c.get(conn, "conn")?.create_nwfilter_binding(c.text(xml, "xml")?, flags)?)
    })
}
