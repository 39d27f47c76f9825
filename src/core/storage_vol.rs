// SPDX-License-Identifier: LGPL-2.1-or-later
//! A volume: a disk image or the like in a storage pool.

use std::ffi::{CStr, c_uint};

use virt::sys;

use super::object::{Counted, Object, Pinned};
use super::{Conn, Text, call};
use crate::error::Result;
use crate::value::Map;

/// A volume. It keeps its connection open.
pub struct StorageVol {
    pub(super) object: Object<sys::virStorageVol>,
}

// SAFETY: the functions are those for virStorageVol.
unsafe impl Counted for sys::virStorageVol {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virStorageVolFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virStorageVolGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: as promised by the caller; libvirt fails for a text that is NULL.
        unsafe { sys::virStorageVolLookupByKey(conn, sys::virStorageVolGetKey(this)) }
    }
}

impl Pinned for StorageVol {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl StorageVol {
    /// Takes over a volume and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid volume, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virStorageVolPtr) -> Self {
        // SAFETY: as promised by the caller.
        StorageVol { object: unsafe { Object::adopt(raw) } }
    }

    pub(crate) fn raw(&self) -> sys::virStorageVolPtr {
        self.object.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(
                sys::virStorageVolGetConnect(self.object.raw_here()),
                c"virStorageVolGetConnect",
            )
        }
    }

    /// The name; unique in its pool.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the volume.
        unsafe { self.object.own_text(sys::virStorageVolGetName, c"virStorageVolGetName") }
    }

    /// The key; unique on all hosts that see the volume.
    pub fn get_key(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the volume.
        unsafe { self.object.own_text(sys::virStorageVolGetKey, c"virStorageVolGetKey") }
    }

    /// Where it is on the host.
    pub fn get_path(&self) -> Result<Text> {
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virStorageVolGetPath(self.raw()), c"virStorageVolGetPath") }
    }

    /// Type and sizes in bytes.
    pub fn get_info(&self, flags: c_uint) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virStorageVolInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        unsafe {
            match flags {
                0 => {
                    let returned = sys::virStorageVolGetInfo(self.raw(), &mut info);
                    call::done(returned, c"virStorageVolGetInfo")?;
                }
                _ => {
                    let returned = sys::virStorageVolGetInfoFlags(self.raw(), &mut info, flags);
                    call::done(returned, c"virStorageVolGetInfoFlags")?;
                }
            }
        }
        let mut map = Map::with_capacity(3);
        map.push_new("type", info.type_);
        map.push_new("capacity", info.capacity);
        map.push_new("allocation", info.allocation);
        Ok(map)
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virStorageVolGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virStorageVolGetXMLDesc(self.raw(), flags), function) }
    }

    /// Removes it from its pool, with its content.
    pub fn delete(&self, flags: c_uint) -> Result<()> {
        let function = c"virStorageVolDelete";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStorageVolDelete(self.raw(), flags) }, function)
    }

    /// Changes its capacity, in bytes.
    pub fn resize(&self, capacity: u64, flags: c_uint) -> Result<()> {
        let function = c"virStorageVolResize";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStorageVolResize(self.raw(), capacity, flags) }, function)
    }

    /// Overwrites its content with zeros.
    pub fn wipe(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStorageVolWipe(self.raw(), flags) }, c"virStorageVolWipe")
    }

    /// Overwrites its content, as one of `STORAGE_VOL_WIPE_ALG_*` says.
    pub fn wipe_pattern(&self, algorithm: c_uint, flags: c_uint) -> Result<()> {
        let function = c"virStorageVolWipePattern";
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virStorageVolWipePattern(self.raw(), algorithm, flags) };
        call::done(returned, function)
    }
}
