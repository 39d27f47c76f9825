// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_domain_snapshot_*`: snapshots of domains.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_domain, vkvm_domain_snapshot, vkvm_error};
use crate::core::Text;

/// Adds a reference to the snapshot handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_domain_snapshot_free`; NULL
///   when it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_ref(
    snapshot: *mut vkvm_domain_snapshot,
) -> *mut vkvm_domain_snapshot {
    direct(std::ptr::null_mut(), |c| c.retain(snapshot))
}

/// Releases a reference to the snapshot handle.
///
/// The snapshot itself is not affected. NULL and handles that are not live are ignored.
///
/// - `snapshot` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_free(snapshot: *mut vkvm_domain_snapshot) {
    void(|c| c.free(snapshot))
}

/// Frees a returned list of snapshots and releases its handles.
///
/// - `snapshots` (consumed, nullable): the list
/// - `snapshots_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_list_free(
    snapshots: *mut *mut vkvm_domain_snapshot,
    snapshots_len: usize,
) {
    void(|c| c.free_list(snapshots, snapshots_len))
}

/// Returns the name of the snapshot.
///
/// The name is unique among the snapshots of the domain.
///
/// - `name`: the name
///
/// libvirt: virDomainSnapshotGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_get_name(
    snapshot: *mut vkvm_domain_snapshot,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(snapshot, "snapshot")?.get_name()?));
        Ok(())
    })
}

/// Returns the definition of the snapshot as XML.
///
/// Passwords and other secrets are left out without `VKVM_DOMAIN_SNAPSHOT_XML_SECURE`, which a
/// read-only connection may not use.
///
/// - `flags` (default 0, enum domain_snapshot_xml_flags)
/// - `xml`: a `<domainsnapshot>` document
///
/// libvirt: virDomainSnapshotGetXMLDesc
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_get_xml_description(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(snapshot, "snapshot")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Reports whether the snapshot is the current snapshot of its domain.
///
/// The current snapshot is the parent of the next one.
///
/// - `flags` (default 0): unused, pass 0
/// - `current`: true if it is
///
/// libvirt: virDomainSnapshotIsCurrent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_is_current(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    current: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(current, "current")?;
        out.set(c.get(snapshot, "snapshot")?.is_current(flags)?);
        Ok(())
    })
}

/// Reports whether libvirt has metadata of the snapshot.
///
/// Metadata prevents the domain from being undefined without a flag.
///
/// - `flags` (default 0): unused, pass 0
/// - `metadata`: true if it has
///
/// libvirt: virDomainSnapshotHasMetadata
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_has_metadata(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    metadata: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(metadata, "metadata")?;
        out.set(c.get(snapshot, "snapshot")?.has_metadata(flags)?);
        Ok(())
    })
}

/// Returns the parent of the snapshot.
///
/// It is the snapshot that was current when this one was created. A snapshot without a parent
/// is an error, `VKVM_ERROR_ERR_NO_DOMAIN_SNAPSHOT`.
///
/// - `flags` (default 0): unused, pass 0
/// - `parent`: the parent
///
/// libvirt: virDomainSnapshotGetParent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_get_parent(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    parent: *mut *mut vkvm_domain_snapshot,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(parent, "parent")?;
        out.set(c.get(snapshot, "snapshot")?.get_parent(flags)?)
    })
}

/// Returns the number of children of the snapshot.
///
/// - `flags` (default 0, enum domain_snapshot_list_flags): filter;
///   `VKVM_DOMAIN_SNAPSHOT_LIST_DESCENDANTS` counts all descendants; 0 means all direct
///   children
/// - `count`: number of snapshots
///
/// libvirt: virDomainSnapshotNumChildren
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_num_of_child_snapshots(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(snapshot, "snapshot")?.num_of_child_snapshots(flags)?);
        Ok(())
    })
}

/// Lists the names of the children of the snapshot.
///
/// `vkvm_domain_snapshot_list_all_children` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `flags` (default 0): filter, as for `vkvm_domain_snapshot_num_of_child_snapshots`
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virDomainSnapshotListChildrenNames
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_list_child_snapshot_names(
    snapshot: *mut vkvm_domain_snapshot,
    maxnames: c_int,
    flags: u32,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(snapshot, "snapshot")?.list_child_snapshot_names(maxnames, flags)?)
    })
}

/// Lists the children of the snapshot.
///
/// - `flags` (default 0): filter, as for `vkvm_domain_snapshot_num_of_child_snapshots`
/// - `children`: the children
/// - `children_len`: number of elements
///
/// libvirt: virDomainSnapshotListAllChildren
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_list_all_children(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    children: *mut *mut *mut vkvm_domain_snapshot,
    children_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(children, children_len, "children", "children_len")?;
        out.set(c.get(snapshot, "snapshot")?.list_all_children(flags)?)
    })
}

/// Reverts the domain to the snapshot.
///
/// Configuration changes since then are discarded, and so is the memory of a running domain.
/// Without flags the domain returns to the state it had, running, paused or inactive; a
/// snapshot of the disks only makes it inactive. A transient domain needs
/// `VKVM_DOMAIN_SNAPSHOT_REVERT_RUNNING` or `VKVM_DOMAIN_SNAPSHOT_REVERT_PAUSED` for such a
/// snapshot.
///
/// - `flags` (default 0, enum domain_snapshot_revert_flags)
///
/// libvirt: virDomainRevertToSnapshot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_revert_to(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(snapshot, "snapshot")?.revert_to(flags))
}

/// Deletes the snapshot, and merges its changes into its children.
///
/// The children become children of its parent. External snapshots need libvirt 9.0.0.
///
/// - `flags` (default 0, enum domain_snapshot_delete_flags)
///
/// libvirt: virDomainSnapshotDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_delete(
    snapshot: *mut vkvm_domain_snapshot,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(snapshot, "snapshot")?.delete(flags))
}

/// Returns the domain of the snapshot.
///
/// - `domain`: the domain
///
/// libvirt: virDomainSnapshotGetDomain
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_get_domain(
    snapshot: *mut vkvm_domain_snapshot,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(snapshot, "snapshot")?.get_domain()?)
    })
}

/// Returns the connection that the snapshot belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virDomainSnapshotGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_get_conn(
    snapshot: *mut vkvm_domain_snapshot,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(snapshot, "snapshot")?.get_conn()?)
    })
}
