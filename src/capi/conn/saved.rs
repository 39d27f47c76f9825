// SPDX-License-Identifier: LGPL-2.1-or-later
//! Domains that were saved to files, and native configurations.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_value};

/// Converts a configuration in the hypervisor's native format to domain XML.
///
/// - `configtype`: native format, which depends on the driver, such as "qemu-argv"
/// - `configdata`: the configuration
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<domain>` document
///
/// libvirt: virConnectDomainXMLFromNative
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_xml_from_native(
    conn: *mut vkvm_conn,
    configtype: *const c_char,
    configdata: *const c_char,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        let conn = c.get(conn, "conn")?;
        let format = c.text(configtype, "configtype")?;
        out.set(conn.domain_xml_from_native(format, c.text(configdata, "configdata")?, flags)?);
        Ok(())
    })
}

/// Converts domain XML to a configuration in the hypervisor's native format.
///
/// A native QEMU configuration is for inspection: libvirt sets up more of a domain at run time.
///
/// - `configtype`: native format, which depends on the driver, such as "qemu-argv"
/// - `xmldata`: a `<domain>` document
/// - `flags` (default 0): unused, pass 0
/// - `config`: the configuration
///
/// libvirt: virConnectDomainXMLToNative
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_domain_xml_to_native(
    conn: *mut vkvm_conn,
    configtype: *const c_char,
    xmldata: *const c_char,
    flags: u32,
    config: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(config, "config")?;
        let conn = c.get(conn, "conn")?;
        let format = c.text(configtype, "configtype")?;
        out.set(conn.domain_xml_to_native(format, c.text(xmldata, "xmldata")?, flags)?);
        Ok(())
    })
}

/// Returns the domain definition stored in a save image.
///
/// - `file`: path of the file on the host, written by `vkvm_domain_save`
/// - `flags` (default 0, enum domain_xml_flags)
/// - `xml`: a `<domain>` document
///
/// libvirt: virDomainSaveImageGetXMLDesc
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_save_image_xml_description(
    conn: *mut vkvm_conn,
    file: *const c_char,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        let conn = c.get(conn, "conn")?;
        out.set(conn.get_save_image_xml_description(c.text(file, "file")?, flags)?);
        Ok(())
    })
}

/// Replaces the domain definition stored in a save image.
///
/// Only the host's side can change, such as the path of a disk image.
///
/// - `file`: path of the file on the host, written by `vkvm_domain_save`
/// - `xml`: a `<domain>` document; it must describe the same virtual hardware
/// - `flags` (default 0, enum domain_save_flags): state of the domain when it is restored; 0
///   keeps the saved one
///
/// libvirt: virDomainSaveImageDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_save_image_xml(
    conn: *mut vkvm_conn,
    file: *const c_char,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let conn = c.get(conn, "conn")?;
        conn.define_save_image_xml(c.text(file, "file")?, c.text(xml, "xml")?, flags)
    })
}

/// Restores a domain from a save image.
///
/// - `from` (nullable): path of the file on the host; NULL when `params` has it
/// - `dxml` (nullable): a `<domain>` document to use instead of the saved one, for changes to
///   the host's side such as paths of disk images
/// - `params` (nullable, map, since 8.4.0): a map with the texts of `VKVM_DOMAIN_SAVE_PARAM_*`
///   as keys
/// - `flags` (default 0, enum domain_save_flags): state of the domain afterwards, and how the
///   file is read; 0 restores the saved state
///
/// libvirt: virDomainRestore, virDomainRestoreFlags, virDomainRestoreParams
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_restore_domain(
    conn: *mut vkvm_conn,
    from: *const c_char,
    dxml: *const c_char,
    params: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let conn = c.get(conn, "conn")?;
        let from = c.text_nullable(from, "from")?;
        let dxml = c.text_nullable(dxml, "dxml")?;
        conn.restore_domain(from, dxml, c.map_nullable(params, "params")?, flags)
    })
}
