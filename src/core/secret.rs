// SPDX-License-Identifier: LGPL-2.1-or-later
//! A secret: a password or key that libvirt keeps.

use std::ffi::{CStr, c_int, c_uint};
use std::hint::black_box;

use uuid::Uuid;
use virt::sys;
use zeroize::{Zeroize, Zeroizing};

use super::named::find_by_uuid;
use super::object::{Counted, Object, Pinned};
use super::{Conn, Text, call};
use crate::error::Result;
use crate::memory;

/// A secret. It keeps its connection open.
pub struct Secret {
    pub(super) object: Object<sys::virSecret>,
}

// SAFETY: the functions are those for virSecret.
unsafe impl Counted for sys::virSecret {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virSecretFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virSecretGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        let (get, look_up) = (sys::virSecretGetUUID, sys::virSecretLookupByUUID);
        // SAFETY: as promised by the caller.
        unsafe { find_by_uuid(this, conn, get, look_up) }
    }
}

impl Pinned for Secret {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl Secret {
    /// Takes over a secret and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid secret, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virSecretPtr) -> Self {
        // SAFETY: as promised by the caller.
        Secret { object: unsafe { Object::adopt(raw) } }
    }

    /// Drops all but the reference, which is libvirt's.
    pub(crate) fn disown(self) {
        std::mem::forget(self.object);
    }

    pub(crate) fn raw(&self) -> sys::virSecretPtr {
        self.object.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(sys::virSecretGetConnect(self.object.raw_here()), c"virSecretGetConnect")
        }
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        // SAFETY: libvirt writes the uuid.
        unsafe { self.object.own_uuid(sys::virSecretGetUUID, c"virSecretGetUUID") }
    }

    /// The uuid as lower-case text with hyphens.
    pub fn get_uuid_string(&self) -> Result<Text> {
        self.get_uuid().map(Text::from_uuid)
    }

    /// What the secret is for, one of `SECRET_USAGE_TYPE_*`.
    pub fn get_usage_type(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virSecretGetUsageType(self.object.raw_here()) },
            c"virSecretGetUsageType",
        )
    }

    /// Which object of its usage type it belongs to.
    pub fn get_usage_id(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the secret.
        unsafe { self.object.own_text(sys::virSecretGetUsageID, c"virSecretGetUsageID") }
    }

    /// The definition, as XML; the value is not in it.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virSecretGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virSecretGetXMLDesc(self.raw(), flags), function) }
    }

    /// The value. The copy is wiped when it is dropped.
    pub fn get_value(&self, flags: c_uint) -> Result<Zeroizing<Vec<u8>>> {
        let mut len = 0;
        // SAFETY: the output outlives the call.
        let value = unsafe { sys::virSecretGetValue(self.raw(), &mut len, flags) };
        let value = call::pointer(value, c"virSecretGetValue")?.as_ptr();
        // SAFETY: `len` bytes from malloc, which are ours.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(value, len);
            let copy = memory::secret(bytes, "value");
            bytes.zeroize();
            libc::free(value.cast());
            forget_copies();
            copy
        }
    }

    /// Sets the value.
    pub fn set_value(&self, value: &[u8], flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live; libvirt only reads the value.
        let returned =
            unsafe { sys::virSecretSetValue(self.raw(), value.as_ptr(), value.len(), flags) };
        forget_copies();
        call::done(returned, c"virSecretSetValue")
    }

    /// Forgets the secret and its value.
    pub fn undefine(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virSecretUndefine(self.raw()) }, c"virSecretUndefine")
    }
}

/// Clears the vector registers that libvirt and its libraries copied a secret through, for
/// the reason that [`memory::secret`] has.
fn forget_copies() {
    // A C library uses the more registers the longer a copy is, and others than those
    // below: libvirt copies the value and the messages that it is in.
    let zeros = [0_u8; 4096];
    let mut copy = [0_u8; 4096];
    for len in [24, 48, 96, 192, 384, 768, 4096] {
        let len = black_box(len);
        copy[..len].copy_from_slice(&black_box(&zeros)[..len]);
        black_box(&mut copy);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx") {
        // SAFETY: the processor has the instruction.
        unsafe { clear_vectors() }
    }
}

/// Clears the 16 vector registers that compilers use for copies.
///
/// # Safety
///
/// The processor must have AVX.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn clear_vectors() {
    #[allow(unused_unsafe)] // Until Rust 1.87, intrinsics are unsafe to call.
    // SAFETY: the caller has looked.
    unsafe {
        std::arch::x86_64::_mm256_zeroall()
    }
}
