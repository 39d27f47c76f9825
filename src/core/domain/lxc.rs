// SPDX-License-Identifier: LGPL-2.1-or-later
//! What only the driver for Linux containers can do: bringing this process into one.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::os::fd::OwnedFd;
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::Conn;
use crate::core::late::Late;
use crate::error::{Misuse, Result};
use crate::value::Map;

/// The library that these functions are in.
const LIBRARY: &CStr = c"libvirt-lxc.so.0";

type OpenNamespace = unsafe extern "C" fn(sys::virDomainPtr, *mut *mut c_int, c_uint) -> c_int;
type EnterNamespace = unsafe extern "C" fn(
    sys::virDomainPtr,
    c_uint,
    *mut c_int,
    *mut c_uint,
    *mut *mut c_int,
    c_uint,
) -> c_int;
type EnterSecurityLabel = unsafe extern "C" fn(
    sys::virSecurityModelPtr,
    sys::virSecurityLabelPtr,
    sys::virSecurityLabelPtr,
    c_uint,
) -> c_int;
type EnterCGroup = unsafe extern "C" fn(sys::virDomainPtr, c_uint) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static OPEN_NAMESPACE: Late<OpenNamespace> =
    unsafe { Late::of(LIBRARY, c"virDomainLxcOpenNamespace", "1.0.2") };
// SAFETY: this is the function's type in libvirt's header.
static ENTER_NAMESPACE: Late<EnterNamespace> =
    unsafe { Late::of(LIBRARY, c"virDomainLxcEnterNamespace", "1.0.2") };
// SAFETY: this is the function's type in libvirt's header.
static ENTER_SECURITY_LABEL: Late<EnterSecurityLabel> =
    unsafe { Late::of(LIBRARY, c"virDomainLxcEnterSecurityLabel", "1.0.4") };
// SAFETY: this is the function's type in libvirt's header.
static ENTER_CGROUP: Late<EnterCGroup> =
    unsafe { Late::of(LIBRARY, c"virDomainLxcEnterCGroup", "2.0.0") };

impl Domain {
    /// File descriptors of the namespaces of a container.
    pub fn lxc_open_namespace(&self, flags: c_uint) -> Result<Vec<OwnedFd>> {
        let mut array = ptr::null_mut();
        // SAFETY: the pointer is live. On success the array is new and ours.
        unsafe {
            let returned = OPEN_NAMESPACE.get()?(self.raw(), &mut array, flags);
            let count = call::number(returned, c"virDomainLxcOpenNamespace")?;
            Ok(call::files(array, count as usize))
        }
    }

    /// Brings this process into namespaces. Returns file descriptors of those it was
    /// in.
    pub fn lxc_enter_namespace(&self, files: &[c_int], flags: c_uint) -> Result<Vec<OwnedFd>> {
        let (mut array, mut len) = (ptr::null_mut(), 0);
        // libvirt does not change them, but its type says that it may.
        let mut files = files.to_vec();
        let (wanted, count) = (files.as_mut_ptr(), files.len() as c_uint);
        // SAFETY: the pointer is live; on success the array is new and ours.
        unsafe {
            let returned =
                ENTER_NAMESPACE.get()?(self.raw(), count, wanted, &mut len, &mut array, flags);
            call::done(returned, c"virDomainLxcEnterNamespace")?;
            Ok(call::files(array, len as usize))
        }
    }

    /// Brings this process into the control group of a container.
    pub fn lxc_enter_cgroup(&self, flags: c_uint) -> Result<()> {
        let enter = ENTER_CGROUP.get()?;
        // SAFETY: the pointer is live.
        call::done(unsafe { enter(self.raw(), flags) }, c"virDomainLxcEnterCGroup")
    }
}

impl Conn {
    /// Gives this process another label in the security model of the host. Returns
    /// the one it had.
    pub fn lxc_enter_security_label(&self, label: &CStr, flags: c_uint) -> Result<Map> {
        let enter = ENTER_SECURITY_LABEL.get()?;
        // SAFETY: plain C structs, for which all-zero is valid.
        let (mut model, mut new, mut old): (sys::virSecurityModel, _, _) = unsafe {
            let label = std::mem::zeroed::<sys::virSecurityLabel>;
            (std::mem::zeroed(), label(), label())
        };
        let bytes = label.to_bytes_with_nul();
        if bytes.len() > new.label.len() {
            let (what, actual) = ("the length", bytes.len() as u64 - 1);
            let limit = new.label.len() as u64 - 1;
            return Err(Misuse::TooLarge { parameter: "label", what, actual, limit }.into());
        }
        for (to, from) in new.label.iter_mut().zip(bytes) {
            *to = *from as c_char;
        }
        // SAFETY: raw() is live while self is; the structs outlive the calls.
        unsafe {
            let returned = sys::virNodeGetSecurityModel(self.raw(), &mut model);
            call::done(returned, c"virNodeGetSecurityModel")?;
            let returned = enter(&mut model, &mut new, &mut old, flags);
            call::done(returned, c"virDomainLxcEnterSecurityLabel")?;
        }
        let text: Vec<u8> = old.label.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
        let mut map = Map::with_capacity(2);
        map.push_new("label", String::from_utf8_lossy(&text).into_owned());
        map.push_new("enforcing", old.enforcing);
        Ok(map)
    }
}
