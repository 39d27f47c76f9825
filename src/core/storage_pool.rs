// SPDX-License-Identifier: LGPL-2.1-or-later
//! A storage pool: a place on a host that volumes are in.

use std::ffi::{CStr, c_int, c_uint};

use uuid::Uuid;
use virt::sys;

use super::conn::locate;
use super::named::find_by_uuid;
use super::object::{Counted, Object, Pinned};
use super::{Conn, StorageVol, Text, call};
use crate::error::{Error, Result};
use crate::value::Map;

/// A storage pool. It keeps its connection open.
pub struct StoragePool {
    pub(super) object: Object<sys::virStoragePool>,
}

// SAFETY: the functions are those for virStoragePool.
unsafe impl Counted for sys::virStoragePool {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virStoragePoolFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virStoragePoolGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        let (get, look_up) = (sys::virStoragePoolGetUUID, sys::virStoragePoolLookupByUUID);
        // SAFETY: as promised by the caller.
        unsafe { find_by_uuid(this, conn, get, look_up) }
    }
}

impl Pinned for StoragePool {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl StoragePool {
    /// Takes over a pool and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid pool, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virStoragePoolPtr) -> Self {
        // SAFETY: as promised by the caller.
        StoragePool { object: unsafe { Object::adopt(raw) } }
    }

    /// Drops all but the reference, which is libvirt's.
    pub(crate) fn disown(self) {
        std::mem::forget(self.object);
    }

    pub(crate) fn raw(&self) -> sys::virStoragePoolPtr {
        self.object.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(
                sys::virStoragePoolGetConnect(self.object.raw_here()),
                c"virStoragePoolGetConnect",
            )
        }
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the pool.
        unsafe { self.object.own_text(sys::virStoragePoolGetName, c"virStoragePoolGetName") }
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        // SAFETY: libvirt writes the uuid.
        unsafe { self.object.own_uuid(sys::virStoragePoolGetUUID, c"virStoragePoolGetUUID") }
    }

    /// The uuid as lower-case text with hyphens.
    pub fn get_uuid_string(&self) -> Result<Text> {
        self.get_uuid().map(Text::from_uuid)
    }

    /// State and sizes in bytes.
    pub fn get_info(&self) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virStoragePoolInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virStoragePoolGetInfo(self.raw(), &mut info) };
        call::done(returned, c"virStoragePoolGetInfo")?;
        let mut map = Map::with_capacity(4);
        map.push_new("state", info.state);
        map.push_new("capacity", info.capacity);
        map.push_new("allocation", info.allocation);
        map.push_new("available", info.available);
        Ok(map)
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virStoragePoolGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virStoragePoolGetXMLDesc(self.raw(), flags), function) }
    }

    /// Whether it is started.
    pub fn is_active(&self) -> Result<bool> {
        let function = c"virStoragePoolIsActive";
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virStoragePoolIsActive(self.raw()) }, function)
    }

    /// Whether it stays defined when it stops.
    pub fn is_persistent(&self) -> Result<bool> {
        let function = c"virStoragePoolIsPersistent";
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virStoragePoolIsPersistent(self.raw()) }, function)
    }

    /// Makes what the pool consists of: a folder, a file system, a volume group.
    pub fn build(&self, flags: c_uint) -> Result<()> {
        let function = c"virStoragePoolBuild";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStoragePoolBuild(self.raw(), flags) }, function)
    }

    /// Starts it.
    pub fn create(&self, flags: c_uint) -> Result<()> {
        let function = c"virStoragePoolCreate";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStoragePoolCreate(self.raw(), flags) }, function)
    }

    /// Stops it. What is in it stays.
    pub fn destroy(&self) -> Result<()> {
        let function = c"virStoragePoolDestroy";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStoragePoolDestroy(self.raw()) }, function)
    }

    /// Removes what the pool consists of.
    pub fn delete(&self, flags: c_uint) -> Result<()> {
        let function = c"virStoragePoolDelete";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStoragePoolDelete(self.raw(), flags) }, function)
    }

    /// Forgets the definition.
    pub fn undefine(&self) -> Result<()> {
        let function = c"virStoragePoolUndefine";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStoragePoolUndefine(self.raw()) }, function)
    }

    /// Looks for volumes anew.
    pub fn refresh(&self, flags: c_uint) -> Result<()> {
        let function = c"virStoragePoolRefresh";
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virStoragePoolRefresh(self.raw(), flags) }, function)
    }

    /// The same, unless it has asynchronous jobs, which only a refusal tells of. Whether it was
    /// refreshed.
    pub fn refresh_if_idle(&self) -> Result<bool> {
        match self.refresh(0) {
            Err(error) if is_busy(&error) => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Whether it starts with the host.
    pub fn get_autostart(&self) -> Result<bool> {
        let mut autostart = 0;
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virStoragePoolGetAutostart(self.raw(), &mut autostart) };
        call::done(returned, c"virStoragePoolGetAutostart")?;
        Ok(autostart != 0)
    }

    /// Sets whether it starts with the host.
    pub fn set_autostart(&self, autostart: bool) -> Result<()> {
        let autostart = c_int::from(autostart);
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virStoragePoolSetAutostart(self.raw(), autostart) };
        call::done(returned, c"virStoragePoolSetAutostart")
    }

    /// How many volumes are in it.
    pub fn num_of_storage_volumes(&self) -> Result<c_int> {
        let function = c"virStoragePoolNumOfVolumes";
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virStoragePoolNumOfVolumes(self.raw()) }, function)
    }

    /// The names of volumes in it, `max` at the most.
    pub fn list_storage_vol_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the array has room for `len`, the names are ours.
        unsafe {
            call::names(c"virStoragePoolListVolumes", max, "maxnames", |array, len| {
                sys::virStoragePoolListVolumes(self.raw(), array, len)
            })
        }
    }

    /// The volumes in it.
    pub fn list_all_volumes(&self, flags: c_uint) -> Result<Vec<StorageVol>> {
        // SAFETY: the pointer is live; on success the array holds that many new volumes.
        unsafe {
            call::objects(
                c"virStoragePoolListAllVolumes",
                |array| sys::virStoragePoolListAllVolumes(self.raw(), array, flags),
                |raw| StorageVol::adopt(raw),
            )
        }
    }

    /// The volume with this name.
    pub fn get_volume_by_name(&self, name: &CStr) -> Result<StorageVol> {
        // SAFETY: the pointer is live; a new volume's reference is ours.
        unsafe {
            let raw = sys::virStorageVolLookupByName(self.raw(), name.as_ptr());
            Ok(StorageVol::adopt(call::pointer(raw, c"virStorageVolLookupByName")?.as_ptr()))
        }
    }

    /// Makes a volume.
    pub fn create_volume(&self, xml: &CStr, flags: c_uint) -> Result<StorageVol> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virStorageVolCreateXML(self.raw(), xml.as_ptr(), flags);
            let vol = call::pointer(raw, c"virStorageVolCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(StorageVol::adopt(vol.as_ptr()))
        }
    }

    /// Makes a volume with the content of another.
    pub fn clone_volume(
        &self,
        xml: &CStr,
        clone: &StorageVol,
        flags: c_uint,
    ) -> Result<StorageVol> {
        // SAFETY: `clone` is live, too.
        unsafe {
            let raw = sys::virStorageVolCreateXMLFrom(self.raw(), xml.as_ptr(), clone.raw(), flags);
            let vol = call::pointer(raw, c"virStorageVolCreateXMLFrom")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(StorageVol::adopt(vol.as_ptr()))
        }
    }
}

/// Whether a pool refuses because it has asynchronous jobs. libvirt has no code for that: the same
/// one, from the same part, says that a refresh has failed for a pool that has none, its XML does not
/// count jobs, and the other calls that look for them (stopping, deleting) do more than look. The
/// text is the daemon's, which writes English unless it is started with another locale; then this
/// is an error as any other.
fn is_busy(error: &Error) -> bool {
    let details = error.details();
    details.code == sys::VIR_ERR_INTERNAL_ERROR as i32
        && details.domain == sys::VIR_FROM_STORAGE as i32
        && details.message.to_string_lossy().contains("asynchronous jobs")
}
