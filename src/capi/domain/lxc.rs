//! What only the driver for Linux containers can do.
//!
//! Three of these change the process that calls them, not the domain.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_domain, vkvm_error, vkvm_value};

/// Opens the namespaces of a container.
///
/// The connection must be on a unix socket. The library libvirt-lxc.so.0 is needed.
///
/// - `flags` (default 0): unused, pass 0
/// - `fds`: a file descriptor for each namespace; the caller has to close them
/// - `fds_len`: how many there are
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

/// CHANGES THE CALLING PROCESS: brings it into the namespaces of a container.
///
/// From then on this process, not the domain, sees the container's files, network,
/// host name and so on instead of its own, and open handles may stop working. It is
/// meant for a process of its own, forked for this, which then opens no connection
/// and only executes a program. Some namespaces cannot be entered by a process that
/// has several threads. A process namespace is entered by the children only. The
/// process needs the right to do it (CAP_SYS_ADMIN). The library libvirt-lxc.so.0 is
/// needed.
///
/// - `files`: file descriptors of namespaces, as `vkvm_domain_lxc_open_namespace` gives
///   them; they stay the caller's
/// - `files_len`: how many there are
/// - `flags` (default 0): unused, pass 0
/// - `old_fds`: file descriptors of the namespaces it was in, with which it can go
///   back; the caller has to close them
/// - `old_fds_len`: how many there are
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

/// CHANGES THE CALLING PROCESS: brings it into the control group of a container.
///
/// From then on the container's limits of CPU time, memory and so on are those of this
/// process, too, and there is no way back but by moving it by other means. The process
/// needs the right to do it. The library libvirt-lxc.so.0 is needed.
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

/// CHANGES THE CALLING PROCESS: gives it another label in the security model of the
/// host.
///
/// From then on what SELinux or AppArmor allow this process, or the programs that it
/// executes, is what they allow for that label, and they may not allow the way back.
/// The library libvirt-lxc.so.0 is needed.
///
/// - `label`: the label, as `vkvm_domain_get_security_label` tells a domain's
/// - `flags` (default 0): unused, pass 0
/// - `old_label` (map): a map of `label`, the one it had, and `enforcing`, 1 if the model is
///   enforced; with AppArmor, libvirt leaves them empty and 0
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
