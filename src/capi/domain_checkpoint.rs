// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_domain_checkpoint_*`: checkpoints of domains.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_domain, vkvm_domain_checkpoint, vkvm_error};
use crate::core::Text;

/// Adds a reference to the checkpoint handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_domain_checkpoint_free`; NULL
///   when it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_ref(
    checkpoint: *mut vkvm_domain_checkpoint,
) -> *mut vkvm_domain_checkpoint {
    direct(std::ptr::null_mut(), |c| c.retain(checkpoint))
}

/// Releases a reference to the checkpoint handle.
///
/// The checkpoint itself is not affected. NULL and handles that are not live are ignored.
///
/// - `checkpoint` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_free(checkpoint: *mut vkvm_domain_checkpoint) {
    void(|c| c.free(checkpoint))
}

/// Frees a returned list of checkpoints and releases its handles.
///
/// - `checkpoints` (consumed, nullable): the list
/// - `checkpoints_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_list_free(
    checkpoints: *mut *mut vkvm_domain_checkpoint,
    checkpoints_len: usize,
) {
    void(|c| c.free_list(checkpoints, checkpoints_len))
}

/// Returns the name of the checkpoint.
///
/// The name is unique among the checkpoints of the domain.
///
/// - `name`: the name
///
/// libvirt: virDomainCheckpointGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_get_name(
    checkpoint: *mut vkvm_domain_checkpoint,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(checkpoint, "checkpoint")?.get_name()?));
        Ok(())
    })
}

/// Returns the definition of the checkpoint as XML.
///
/// Passwords and other secrets are left out without `VKVM_DOMAIN_CHECKPOINT_XML_SECURE`, which
/// a read-only connection may not use.
///
/// - `flags` (default 0, enum domain_checkpoint_xml_flags)
/// - `xml`: a `<domaincheckpoint>` document
///
/// libvirt: virDomainCheckpointGetXMLDesc
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_get_xml_description(
    checkpoint: *mut vkvm_domain_checkpoint,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(checkpoint, "checkpoint")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Returns the parent of the checkpoint.
///
/// It is the checkpoint that was created before this one. A checkpoint without a parent is an
/// error, `VKVM_ERROR_ERR_NO_DOMAIN_CHECKPOINT`.
///
/// - `flags` (default 0): unused, pass 0
/// - `parent`: the parent
///
/// libvirt: virDomainCheckpointGetParent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_get_parent(
    checkpoint: *mut vkvm_domain_checkpoint,
    flags: u32,
    parent: *mut *mut vkvm_domain_checkpoint,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(parent, "parent")?;
        out.set(c.get(checkpoint, "checkpoint")?.get_parent(flags)?)
    })
}

/// Lists the children of the checkpoint.
///
/// - `flags` (default 0, enum domain_checkpoint_list_flags): filter;
///   `VKVM_DOMAIN_CHECKPOINT_LIST_DESCENDANTS` lists all descendants; 0 means all direct
///   children
/// - `children`: the children
/// - `children_len`: number of elements
///
/// libvirt: virDomainCheckpointListAllChildren
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_list_all_children(
    checkpoint: *mut vkvm_domain_checkpoint,
    flags: u32,
    children: *mut *mut *mut vkvm_domain_checkpoint,
    children_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(children, children_len, "children", "children_len")?;
        out.set(c.get(checkpoint, "checkpoint")?.list_all_children(flags)?)
    })
}

/// Deletes the checkpoint, and merges its record of changed blocks into its parent.
///
/// Its children become children of its parent.
///
/// - `flags` (default 0, enum domain_checkpoint_delete_flags)
///
/// libvirt: virDomainCheckpointDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_delete(
    checkpoint: *mut vkvm_domain_checkpoint,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(checkpoint, "checkpoint")?.delete(flags))
}

/// Returns the domain of the checkpoint.
///
/// - `domain`: the domain
///
/// libvirt: virDomainCheckpointGetDomain
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_get_domain(
    checkpoint: *mut vkvm_domain_checkpoint,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(checkpoint, "checkpoint")?.get_domain()?)
    })
}

/// Returns the connection that the checkpoint belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virDomainCheckpointGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_checkpoint_get_conn(
    checkpoint: *mut vkvm_domain_checkpoint,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(checkpoint, "checkpoint")?.get_conn()?)
    })
}
