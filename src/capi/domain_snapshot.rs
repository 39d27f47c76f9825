//! `vkvm_domain_snapshot_*`: snapshots of domains.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_domain, vkvm_domain_snapshot, vkvm_error};
use crate::core::Text;

/// Adds a hold on the snapshot handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_domain_snapshot_free`, or
///   NULL when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_ref(
    snapshot: *mut vkvm_domain_snapshot,
) -> *mut vkvm_domain_snapshot {
    direct(std::ptr::null_mut(), |c| c.retain(snapshot))
}

/// Gives up a hold on the snapshot handle. NULL and handles that are not live
/// are left alone.
///
/// - `snapshot` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_free(snapshot: *mut vkvm_domain_snapshot) {
    void(|c| c.free(snapshot))
}

/// Frees a list of snapshots that a function returned, with its handles.
///
/// - `snapshots` (consumed, nullable): the list
/// - `snapshots_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_snapshot_list_free(
    snapshots: *mut *mut vkvm_domain_snapshot,
    snapshots_len: usize,
) {
    void(|c| c.free_list(snapshots, snapshots_len))
}

/// Gets the name of the snapshot; no other snapshot of its domain has it.
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

/// Gets the definition of the snapshot.
///
/// - `flags` (default 0, enum domain_snapshot_xml_flags)
/// - `xml`: a `<domainsnapshot>` document
///
/// libvirt: virDomainSnapshotGetXMLDesc
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

/// Tells whether the snapshot is the one that a new snapshot would be a child of.
///
/// - `flags` (default 0): unused, pass 0
/// - `current`: whether it is
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

/// Tells whether libvirt keeps a definition of the snapshot, which has to go before
/// the domain can be undefined.
///
/// - `flags` (default 0): unused, pass 0
/// - `metadata`: whether it does
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

/// Gets the snapshot that was current when this one was made. One without a parent is
/// an error.
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

/// Counts the children of the snapshot.
///
/// - `flags` (default 0, enum domain_snapshot_list_flags): a filter; with
///   `VKVM_DOMAIN_SNAPSHOT_LIST_DESCENDANTS` children of children count, too
/// - `count`: how many there are
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

/// Lists the names of children of the snapshot.
///
/// - `maxnames`: how many to list at most, from 0 to 1,048,576
/// - `flags` (default 0): a filter, as for
///   `vkvm_domain_snapshot_num_of_child_snapshots`
/// - `names`: the names
/// - `names_len`: how many there are
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
/// - `flags` (default 0): a filter, as for
///   `vkvm_domain_snapshot_num_of_child_snapshots`
/// - `children`: the children
/// - `children_len`: how many there are
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

/// Makes the domain what it was when the snapshot was made.
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

/// Removes the snapshot. Its children become children of its parent.
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

/// Gets the domain that the snapshot is of.
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

/// Gets the connection that the snapshot belongs to.
///
/// It is a new handle of the same connection: registrations made through it end with
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
