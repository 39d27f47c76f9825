// SPDX-License-Identifier: LGPL-2.1-or-later
//! The storage pools and volumes of a connection.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Conn, locate, parse_uuid};
use crate::core::{StoragePool, StorageVol, Text, call};
use crate::error::Result;

impl Conn {
    /// The pools that pass the filter `flags`; all when it is 0.
    pub fn list_all_storage_pools(&self, flags: c_uint) -> Result<Vec<StoragePool>> {
        // SAFETY: the pointer is live. On success the array holds that many new pools.
        unsafe {
            call::objects(
                c"virConnectListAllStoragePools",
                |array| sys::virConnectListAllStoragePools(self.raw(), array, flags),
                |raw| StoragePool::adopt(raw),
            )
        }
    }

    /// How many pools are started.
    pub fn num_of_storage_pools(&self) -> Result<c_int> {
        let function = c"virConnectNumOfStoragePools";
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virConnectNumOfStoragePools(self.raw()) }, function)
    }

    /// How many pools are defined but not started.
    pub fn num_of_defined_storage_pools(&self) -> Result<c_int> {
        let function = c"virConnectNumOfDefinedStoragePools";
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virConnectNumOfDefinedStoragePools(self.raw()) }, function)
    }

    /// The names of started pools, `max` at the most.
    pub fn list_storage_pool_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the array has room for `len`, the names are ours.
        unsafe {
            call::names(c"virConnectListStoragePools", max, "maxnames", |array, len| {
                sys::virConnectListStoragePools(self.raw(), array, len)
            })
        }
    }

    /// The names of pools that are not started, `max` at the most.
    pub fn list_defined_storage_pool_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live.
        unsafe {
            call::names(c"virConnectListDefinedStoragePools", max, "maxnames", |array, len| {
                sys::virConnectListDefinedStoragePools(self.raw(), array, len)
            })
        }
    }

    /// The pool with this name.
    pub fn get_storage_pool_by_name(&self, name: &CStr) -> Result<StoragePool> {
        // SAFETY: the pointer is live; a new pool's reference is ours.
        unsafe {
            let raw = sys::virStoragePoolLookupByName(self.raw(), name.as_ptr());
            Ok(StoragePool::adopt(call::pointer(raw, c"virStoragePoolLookupByName")?.as_ptr()))
        }
    }

    /// The pool with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_storage_pool_by_uuid(&self, uuid: &[u8]) -> Result<StoragePool> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: the pointer is live; the uuid is 16 bytes.
        unsafe {
            let raw = sys::virStoragePoolLookupByUUID(self.raw(), uuid.as_bytes().as_ptr());
            Ok(StoragePool::adopt(call::pointer(raw, c"virStoragePoolLookupByUUID")?.as_ptr()))
        }
    }

    /// The pool whose volumes are under this path.
    pub fn get_storage_pool_by_target_path(&self, path: &CStr) -> Result<StoragePool> {
        let function = c"virStoragePoolLookupByTargetPath";
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virStoragePoolLookupByTargetPath(self.raw(), path.as_ptr());
            Ok(StoragePool::adopt(call::pointer(raw, function)?.as_ptr()))
        }
    }

    /// The pool that a volume is in. The volume's own connection is asked, as
    /// libvirt has no other way.
    pub fn get_storage_pool_by_volume(&self, volume: &StorageVol) -> Result<StoragePool> {
        // SAFETY: the volume is live, too.
        unsafe {
            let raw = sys::virStoragePoolLookupByVolume(volume.raw());
            Ok(StoragePool::adopt(call::pointer(raw, c"virStoragePoolLookupByVolume")?.as_ptr()))
        }
    }

    /// Defines a pool without starting it, or changes its definition.
    pub fn define_storage_pool(&self, xml: &CStr, flags: c_uint) -> Result<StoragePool> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virStoragePoolDefineXML(self.raw(), xml.as_ptr(), flags);
            let pool = call::pointer(raw, c"virStoragePoolDefineXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(StoragePool::adopt(pool.as_ptr()))
        }
    }

    /// Starts a pool that is gone when it stops.
    pub fn create_storage_pool(&self, xml: &CStr, flags: c_uint) -> Result<StoragePool> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virStoragePoolCreateXML(self.raw(), xml.as_ptr(), flags);
            let pool = call::pointer(raw, c"virStoragePoolCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(StoragePool::adopt(pool.as_ptr()))
        }
    }

    /// What pools of a type could be made of, as XML.
    pub fn find_storage_pool_sources(
        &self,
        pool_type: &CStr,
        source: Option<&CStr>,
        flags: c_uint,
    ) -> Result<Text> {
        let (pool_type, source) = (pool_type.as_ptr(), source.map_or(ptr::null(), CStr::as_ptr));
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe {
            let sources =
                sys::virConnectFindStoragePoolSources(self.raw(), pool_type, source, flags);
            call::text(sources, c"virConnectFindStoragePoolSources")
        }
    }

    /// Which types of pool the host can have, as XML.
    pub fn get_storage_pool_capabilities(&self, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live.
        unsafe {
            let capabilities = sys::virConnectGetStoragePoolCapabilities(self.raw(), flags);
            call::text(capabilities, c"virConnectGetStoragePoolCapabilities")
        }
    }

    /// The volume with this key, in whichever pool it is.
    pub fn get_storage_volume_by_key(&self, key: &CStr) -> Result<StorageVol> {
        // SAFETY: the pointer is live; a new volume's reference is ours.
        unsafe {
            let raw = sys::virStorageVolLookupByKey(self.raw(), key.as_ptr());
            Ok(StorageVol::adopt(call::pointer(raw, c"virStorageVolLookupByKey")?.as_ptr()))
        }
    }

    /// The volume with this path, in whichever pool it is.
    pub fn get_storage_volume_by_path(&self, path: &CStr) -> Result<StorageVol> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virStorageVolLookupByPath(self.raw(), path.as_ptr());
            Ok(StorageVol::adopt(call::pointer(raw, c"virStorageVolLookupByPath")?.as_ptr()))
        }
    }
}
