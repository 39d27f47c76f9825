// SPDX-License-Identifier: LGPL-2.1-or-later
//! Open files that are handed to a domain, or come from it: its graphics.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Starts the domain and passes open files to its first process.
///
/// Only drivers for containers support it. The files have the numbers from 3 on in the
/// container. The connection must use a UNIX socket.
///
/// - `fds` (nullable, descriptor): open file descriptors, which remain open; NULL if there are
///   none
/// - `fds_len`: number of elements
/// - `flags` (default 0, enum domain_start_flags)
///
/// libvirt: virDomainCreateWithFiles
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_create_with_files(
    dom: *mut vkvm_domain,
    fds: *const c_int,
    fds_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let fds = c.ints(fds, fds_len, "fds")?;
        c.get(dom, "dom")?.create_with_files(fds, flags)
    })
}

/// Associates open files with a name, for use in the domain's definition.
///
/// The definition refers to them as in `<source file='…' fdgroup='name'/>`. The association
/// ends with the connection; a running domain keeps the files that it uses. The connection must
/// use a UNIX socket.
///
/// - `name`: name of the group
/// - `fds` (descriptor): open file descriptors, which remain open
/// - `fds_len`: number of elements
/// - `flags` (default 0, enum domain_fd_associate_flags)
///
/// libvirt: virDomainFDAssociate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_fd_associate(
    dom: *mut vkvm_domain,
    name: *const c_char,
    fds: *const c_int,
    fds_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (dom, fds) = (c.get(dom, "dom")?, c.ints(fds, fds_len, "fds")?);
        dom.fd_associate(c.text(name, "name")?, fds, flags)
    })
}

/// Connects a socket to a graphical display of the running domain.
///
/// The connection must use a UNIX socket. `vkvm_domain_open_graphics_fd` creates the pair of
/// sockets itself, which also works under mandatory access control.
///
/// - `idx`: number of the display, from 0
/// - `fd` (descriptor): one end of a pair of sockets, borrowed
/// - `flags` (default 0, enum domain_open_graphics_flags)
///
/// libvirt: virDomainOpenGraphics
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_open_graphics(
    dom: *mut vkvm_domain,
    idx: u32,
    fd: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.open_graphics(idx, fd, flags))
}

/// Opens a connection to a graphical display of the running domain.
///
/// The connection to libvirt must use a UNIX socket.
///
/// - `idx`: number of the display, from 0
/// - `flags` (default 0, enum domain_open_graphics_flags)
/// - `fd`: a socket that speaks the display's protocol; the caller closes it
///
/// libvirt: virDomainOpenGraphicsFD
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_open_graphics_fd(
    dom: *mut vkvm_domain,
    idx: u32,
    flags: u32,
    fd: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(fd, "fd")?;
        out.set(c.get(dom, "dom")?.open_graphics_fd(idx, flags)?);
        Ok(())
    })
}

/// Reloads the TLS certificates of the running domain's graphical displays.
///
/// - `type` (enum domain_graphics_reload_type): displays to reload
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainGraphicsReload
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_graphics_reload(
    dom: *mut vkvm_domain,
    r#type: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.graphics_reload(r#type, flags))
}
