// SPDX-License-Identifier: LGPL-2.1-or-later
//! Names, uuids and what else libvirt keeps in an object itself. It answers at once, without
//! its daemon, so nothing of it is kept a second time, but for the uuids of domains.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use uuid::Uuid;
use virt::sys;

use super::call;
use super::object::{Counted, Object};
use crate::error::Result;

/// A function of libvirt's that gives a text of an object's.
type GetText<C> = unsafe extern "C" fn(*mut C) -> *const c_char;

/// One that writes its uuid, 16 bytes.
type GetUuid<C> = unsafe extern "C" fn(*mut C, *mut u8) -> c_int;

/// One that finds it by these.
type LookUp<C> = unsafe extern "C" fn(sys::virConnectPtr, *const u8) -> *mut C;

impl<C: Counted> Object<C> {
    /// Text that is kept in the object.
    ///
    /// # Safety
    /// `get` is libvirt's `function`, which gives NULL or a C string of the object's own: it
    /// lives as long as what [`raw_here`](Self::raw_here) gives.
    pub(crate) unsafe fn own_text(
        &self,
        get: GetText<C>,
        function: &'static CStr,
    ) -> Result<&CStr> {
        // SAFETY: the pointer is live; the rest is as promised by the caller.
        unsafe {
            let text = call::pointer(get(self.raw_here()).cast_mut(), function)?;
            Ok(CStr::from_ptr(text.as_ptr()))
        }
    }

    /// The uuid.
    ///
    /// # Safety
    /// `get` is libvirt's `function`, which writes a uuid.
    pub(crate) unsafe fn own_uuid(&self, get: GetUuid<C>, function: &'static CStr) -> Result<Uuid> {
        let mut bytes = [0; 16];
        // SAFETY: the pointer is live; there is room for a uuid.
        call::done(unsafe { get(self.raw_here(), bytes.as_mut_ptr()) }, function)?;
        Ok(Uuid::from_bytes(bytes))
    }
}

/// Finds an object by its uuid on another connection: NULL where it is not there. The
/// reference is the caller's.
///
/// # Safety
/// Both are live; the functions are libvirt's for this class.
pub(crate) unsafe fn find_by_uuid<C>(
    this: *mut C,
    conn: sys::virConnectPtr,
    get: GetUuid<C>,
    look_up: LookUp<C>,
) -> *mut C {
    let mut uuid = [0; 16];
    // SAFETY: as promised by the caller; a uuid has 16 bytes.
    unsafe {
        match get(this, uuid.as_mut_ptr()) {
            0 => look_up(conn, uuid.as_ptr()),
            _ => ptr::null_mut(),
        }
    }
}
