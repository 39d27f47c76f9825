// SPDX-License-Identifier: LGPL-2.1-or-later
//! What only the driver for Linux containers can do.
//!
//! Three of these change the process that calls them, not the domain.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_domain, vkvm_error, vkvm_value};

/// Opens the namespaces of a container.
///
/// The connection must use a UNIX socket. Requires the library libvirt-lxc.so.0.
///
/// - `flags` (default 0): unused, pass 0
/// - `fds`: a file descriptor for each namespace; the caller closes them
/// - `fds_len`: number of elements
///
/// libvirt: virDomainLxcOpenNamespace
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_lxc_open_namespace(
    dom: *mut vkvm_domain,
    flags: u32,
    fds: *mut *mut c_int,
    fds_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(fds, fds_len, "fds", "fds_len")?;
        out.set_files(c.get(dom, "dom")?.lxc_open_namespace(flags)?)
    })
}

/// CHANGES THE CALLING PROCESS: moves it into the namespaces of a container.
///
/// From then on this process sees the container's files, network, host name and so on instead
/// of its own, and open handles may stop working. It is meant for a forked process that opens
/// no connection and only executes a program. Some namespaces cannot be entered by a process
/// with several threads; a PID namespace is entered by its children only. The process needs
/// CAP_SYS_ADMIN. Requires the library libvirt-lxc.so.0.
///
/// - `files`: file descriptors of the namespaces, as `vkvm_domain_lxc_open_namespace` returns
///   them; they remain the caller's
/// - `files_len`: number of elements
/// - `flags` (default 0): unused, pass 0
/// - `old_fds`: file descriptors of the previous namespaces, for going back; the caller closes
///   them
/// - `old_fds_len`: number of elements
///
/// libvirt: virDomainLxcEnterNamespace
/// cbindgen:this_thread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_lxc_enter_namespace(
    dom: *mut vkvm_domain,
    files: *const c_int,
    files_len: usize,
    flags: u32,
    old_fds: *mut *mut c_int,
    old_fds_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(old_fds, old_fds_len, "old_fds", "old_fds_len")?;
        let dom = c.get(dom, "dom")?;
        out.set_files(dom.lxc_enter_namespace(c.ints(files, files_len, "files")?, flags)?)
    })
}

/// CHANGES THE CALLING PROCESS: moves it into the control groups of a container.
///
/// From then on the container's limits on CPU time, memory and so on apply to this process too.
/// The library has no way back. The process needs the permission for it. Requires the library
/// libvirt-lxc.so.0.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainLxcEnterCGroup
/// cbindgen:this_thread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_lxc_enter_cgroup(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.lxc_enter_cgroup(flags))
}

/// CHANGES THE CALLING PROCESS: sets its security label.
///
/// From then on, or from the next program that it executes on, SELinux or AppArmor apply that
/// label's rules to the process. They may not allow the way back. Requires the library
/// libvirt-lxc.so.0.
///
/// - `label`: the label, such as `vkvm_domain_get_security_label` returns
/// - `flags` (default 0): unused, pass 0
/// - `old_label` (map): a map with `label` (previous label) and `enforcing` (1 if the model is
///   enforced); with AppArmor libvirt leaves them empty and 0
///
/// libvirt: virNodeGetSecurityModel, virDomainLxcEnterSecurityLabel
/// cbindgen:this_thread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_lxc_enter_security_label(
    conn: *mut vkvm_conn,
    label: *const c_char,
    flags: u32,
    old_label: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(old_label, "old_label")?;
        let conn = c.get(conn, "conn")?;
        out.set_value(conn.lxc_enter_security_label(c.text(label, "label")?, flags)?)
    })
}
