// SPDX-License-Identifier: LGPL-2.1-or-later
//! Functions of whichever signature, as libvirt takes them.

use std::ffi::c_void;
use std::mem::transmute;
use std::ptr;

use virt::sys;

/// A C function that libvirt calls when something happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callback(*const c_void);

impl Callback {
    /// Of a C function's address.
    pub(super) fn new(address: *const c_void) -> Self {
        Callback(address)
    }

    /// As the type that libvirt's functions take, which stands for all others.
    pub(super) fn untyped<O>(
        self,
    ) -> Option<unsafe extern "C" fn(sys::virConnectPtr, *mut O, *mut c_void)> {
        // SAFETY: the address of a function. libvirt casts it back to the
        // function's own type before it calls it.
        Some(unsafe {
            transmute::<*const c_void, unsafe extern "C" fn(sys::virConnectPtr, *mut O, *mut c_void)>(
                self.0,
            )
        })
    }

    #[cfg(test)]
    pub(super) fn address(self) -> *const c_void {
        self.0
    }
}

/// A tap as libvirt keeps it: a number, not a pointer.
pub(super) fn opaque(tap: usize) -> *mut c_void {
    ptr::without_provenance_mut(tap)
}
