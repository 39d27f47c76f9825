//! Open files that are handed to a domain, or come from it: its graphics.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error};

/// Starts a defined domain, and gives its first process open files: those of a container
/// are numbered from 3 on. Only over a connection through a UNIX socket.
///
/// - `fds` (nullable, descriptor): open file descriptors; the call borrows them, and the caller closes
///   them. NULL if there are none
/// - `fds_len`: how many there are
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

/// Gives open files a name, by which the definition of the domain can speak of them, as
/// in `<source file='…' fdgroup='name'/>`. libvirt forgets them when the connection is
/// closed; a running domain keeps those that it uses. Only over a connection through a
/// UNIX socket.
///
/// - `name`: the name
/// - `fds` (descriptor): open file descriptors; the call borrows them, and the caller closes them
/// - `fds_len`: how many there are
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

/// Connects one end of a pair of sockets to a display of the running domain. Only over a
/// connection through a UNIX socket.
///
/// - `idx`: which of its displays, from 0
/// - `fd` (descriptor): the socket, an open file descriptor; the call borrows it, and the caller closes it
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

/// Opens a connection to a display of the running domain. Only over a connection through
/// a UNIX socket.
///
/// - `idx`: which of its displays, from 0
/// - `flags` (default 0, enum domain_open_graphics_flags)
/// - `fd`: a new file descriptor, a socket that speaks the display's protocol; the caller
///   owns it and closes it
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

/// Lets displays of the running domain read their TLS certificates again.
///
/// - `type` (enum domain_graphics_reload_type): which displays
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
