// SPDX-License-Identifier: LGPL-2.1-or-later
//! Late binding: libvirt functions that older libvirts do not have.
//!
//! libvkvm links against libvirt 7.0 and finds what is newer at run time, so
//! that one binary serves every libvirt from then on. The functions for one
//! hypervisor only are in libraries of their own, which few programs need; they
//! are loaded when one is wanted.

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::error::{Misuse, Result};

/// A libvirt function of type `F`, looked up when it is first wanted; `core/network.rs` has some.
pub struct Late<F> {
    name: &'static CStr,
    since: &'static str,
    /// The library that it is in, if that is not libvirt itself.
    library: Option<&'static CStr>,
    /// NULL: not looked up yet. [`ABSENT`]: looked up, not there.
    address: AtomicPtr<c_void>,
    signature: PhantomData<F>,
}

/// Marks a function that was looked for in vain; no function has this address.
const ABSENT: *mut c_void = ptr::without_provenance_mut(1);

impl<F: Copy> Late<F> {
    /// A function that libvirt has had since the version `since`.
    ///
    /// # Safety
    /// `F` is the `unsafe extern "C" fn` type of the function called `name`.
    pub const unsafe fn new(name: &'static CStr, since: &'static str) -> Self {
        assert!(size_of::<F>() == size_of::<*mut c_void>());
        let address = AtomicPtr::new(ptr::null_mut());
        Late { name, since, library: None, address, signature: PhantomData }
    }

    /// A function that another library than libvirt itself has had since libvirt's
    /// version `since`.
    ///
    /// # Safety
    /// As for [`Late::new`].
    pub const unsafe fn of(
        library: &'static CStr,
        name: &'static CStr,
        since: &'static str,
    ) -> Self {
        // SAFETY: as promised by the caller.
        let late = unsafe { Late::new(name, since) };
        Late { library: Some(library), ..late }
    }

    /// The function, or the error that says which libvirt has it.
    pub fn get(&self) -> Result<F> {
        let address = self.find().ok_or_else(|| self.absent())?;
        // SAFETY: `address` is the function's, whose type is F by the promise
        // made to `new`; F is as large as a pointer, which `new` asserts.
        Ok(unsafe { std::mem::transmute_copy(&address) })
    }

    fn find(&self) -> Option<NonNull<c_void>> {
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            if let Some(place) = self.place() {
                // SAFETY: the name is a C string, the place one to look in.
                address = unsafe { libc::dlsym(place, self.name.as_ptr()) };
            }
            if address.is_null() {
                address = ABSENT;
            }
            self.address.store(address, Ordering::Relaxed);
        }
        NonNull::new(address).filter(|_| address != ABSENT)
    }

    /// Where to look the function up; none when its library is not installed.
    fn place(&self) -> Option<*mut c_void> {
        let Some(library) = self.library else {
            // It finds the libvirt that this library itself was linked with.
            return Some(libc::RTLD_DEFAULT);
        };
        // SAFETY: the name is a C string. The library stays loaded for good: each
        // of its functions that is found may be called at any time.
        let place = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        (!place.is_null()).then_some(place)
    }

    #[cold]
    fn absent(&self) -> Misuse {
        let function = self.name.to_str().unwrap_or("a libvirt function");
        match self.library.filter(|_| self.place().is_none()) {
            Some(library) => {
                let library = library.to_str().unwrap_or("a library of libvirt's");
                Misuse::NoLibrary { function, library }
            }
            None => Misuse::NotInThisLibvirt { function, since: self.since },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Version = unsafe extern "C" fn(*mut libc::c_ulong, *const i8, *mut libc::c_ulong) -> i32;

    #[test]
    fn a_function_that_is_there_is_called() {
        // SAFETY: virGetVersion has this signature.
        static GET_VERSION: Late<Version> = unsafe { Late::new(c"virGetVersion", "0.0.3") };
        for _ in 0..2 {
            let mut version = 0;
            let get_version = GET_VERSION.get().unwrap();
            // SAFETY: the type may be NULL, and then so may its version.
            let returned = unsafe { get_version(&mut version, ptr::null(), ptr::null_mut()) };
            assert_eq!(returned, 0);
            assert!(version >= 7_000_000, "{version}");
        }
    }

    #[test]
    fn a_function_that_is_missing_is_named_with_its_version() {
        // SAFETY: never called, because it does not exist.
        static FUTURE: Late<Version> = unsafe { Late::new(c"virDomainTeleport", "99.1.0") };
        for _ in 0..2 {
            let error = FUTURE.get().unwrap_err();
            assert_eq!(error.details().code, virt::sys::VIR_ERR_NO_SUPPORT as i32);
            let text = error.to_string();
            assert!(text.contains("virDomainTeleport") && text.contains("99.1.0"), "{text}");
        }
    }

    #[test]
    fn a_library_that_is_missing_is_named() {
        // SAFETY: never called, because it does not exist.
        static NOWHERE: Late<Version> =
            unsafe { Late::of(c"libvirt-nowhere.so.0", c"virDomainNowhere", "7.0.0") };
        let error = NOWHERE.get().unwrap_err();
        assert_eq!(error.details().code, virt::sys::VIR_ERR_NO_SUPPORT as i32);
        let text = error.to_string();
        assert!(
            text.contains("virDomainNowhere") && text.contains("libvirt-nowhere.so.0"),
            "{text}"
        );
    }

    #[test]
    fn a_function_missing_in_a_library_that_is_there_needs_a_newer_libvirt() {
        // SAFETY: never called, because it does not exist.
        static FUTURE: Late<Version> =
            unsafe { Late::of(c"libvirt.so.0", c"virDomainTeleport", "99.1.0") };
        let text = FUTURE.get().unwrap_err().to_string();
        assert!(text.contains("99.1.0"), "{text}");
    }
}
