// SPDX-License-Identifier: LGPL-2.1-or-later
//! Open files that are handed to a domain, or come from it: its graphics.

use std::ffi::{CStr, c_char, c_int, c_uint};

use virt::sys;

use super::{Domain, call};
use crate::core::fds;
use crate::core::late::Late;
use crate::error::Result;

type FdAssociate =
    unsafe extern "C" fn(sys::virDomainPtr, *const c_char, c_uint, *mut c_int, c_uint) -> c_int;
type GraphicsReload = unsafe extern "C" fn(sys::virDomainPtr, c_uint, c_uint) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static FD_ASSOCIATE: Late<FdAssociate> = unsafe { Late::new(c"virDomainFDAssociate", "9.0.0") };
// SAFETY: this is the function's type in libvirt's header.
static GRAPHICS_RELOAD: Late<GraphicsReload> =
    unsafe { Late::new(c"virDomainGraphicsReload", "10.2.0") };

impl Domain {
    /// Starts a defined domain, whose first process gets these files.
    pub fn create_with_files(&self, fds: &[c_int], flags: c_uint) -> Result<()> {
        let (mut fds, count) = fds::lend(fds, "fds")?;
        // SAFETY: the pointer is live. There are `count` descriptors.
        let returned =
            unsafe { sys::virDomainCreateWithFiles(self.raw(), count, fds.as_mut_ptr(), flags) };
        call::done(returned, c"virDomainCreateWithFiles")
    }

    /// Gives files a name, under which the definition can speak of them.
    pub fn fd_associate(&self, name: &CStr, fds: &[c_int], flags: c_uint) -> Result<()> {
        let (mut fds, count) = fds::lend(fds, "fds")?;
        let fd_associate = FD_ASSOCIATE.get()?;
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { fd_associate(self.raw(), name.as_ptr(), count, fds.as_mut_ptr(), flags) };
        call::done(returned, c"virDomainFDAssociate")
    }

    /// Connects a socket to a display.
    pub fn open_graphics(&self, index: c_uint, fd: c_int, flags: c_uint) -> Result<()> {
        fds::check(&[fd], "fd")?;
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainOpenGraphics(self.raw(), index, fd, flags) };
        call::done(returned, c"virDomainOpenGraphics")
    }

    /// A new socket that is connected to a display; it is the caller's.
    pub fn open_graphics_fd(&self, index: c_uint, flags: c_uint) -> Result<c_int> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainOpenGraphicsFD(self.raw(), index, flags) };
        call::number(returned, c"virDomainOpenGraphicsFD")
    }

    /// Lets displays read their certificates again.
    pub fn graphics_reload(&self, kind: c_uint, flags: c_uint) -> Result<()> {
        let graphics_reload = GRAPHICS_RELOAD.get()?;
        // SAFETY: the pointer is live.
        call::done(unsafe { graphics_reload(self.raw(), kind, flags) }, c"virDomainGraphicsReload")
    }
}
